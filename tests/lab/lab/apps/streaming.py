"""Films over HTTPS: HLS and DASH with adaptive rate, HLS and a single file in ffmpeg; players in Chromium."""

import json
import math
import os

from ..network import server_address
from ..packets import TCP, UDP, Rule
from ..servers import FILM, QUIC_FILM
from ..shows import RATES
from .base import Application

_SCREENS = (1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 5)  # the best rendition that is asked for, of shows.RATES
_BUFFER_BYTES = 25e6  # the most a player keeps


class Streaming(Application):
    label = "streaming"
    variants = ("adaptive-hls", "ffmpeg-hls", "adaptive-dash", "ffmpeg-progressive")
    fast_variants = ("chromium-http3", "chromium-http2", "chromium-http1")
    long_later_variants = fast_later_variants = ("chromium-http3",)

    def prepare(self):
        protocol = self.session.variant.removeprefix("chromium-http")
        self.quic = protocol == "3"
        numbers = {"3": QUIC_FILM, "2": FILM[0]}
        films = sorted(os.listdir(self.lab.content.path("films")))
        self.film = self.random.choice(films)
        self.address = server_address(numbers.get(protocol, FILM[1]), self.session.family)
        if self.fast:
            self.vary_pacing()

    def rules(self):
        return [Rule(UDP if self.quic else TCP, frozenset([443]), frozenset([self.address]))]

    def run(self):
        if self.session.variant.startswith("chromium"):
            self._chromium()
            return
        getattr(self, "_" + self.session.variant.replace("-", "_"))()

    def _chromium(self):
        """A player drawn anew for each session: segments or ranges of bytes, buffer, viewer, screen."""
        with open(self.lab.content.path("shows", "shows.json"), encoding="utf-8") as file:
            film = self.random.choice(json.load(file))
        draw = self.random
        ranges = draw.random() < 0.4
        best = draw.choice(_SCREENS) if self.fast else draw.randrange(3)  # slow lines: what leaves them room
        most = max(8.0, min(draw.uniform(8, 60), 8 * _BUFFER_BYTES / (1e3 * RATES[best])))
        self.run_page(self.address, "play", {
            "base": "/shows/", "film": film, "seed": draw.randrange(1 << 30), "best": best,
            "segment": draw.choice((2, 4, 4, 6, 6, 8, 10)),
            "bytes": round(math.exp(draw.uniform(math.log(5e5), math.log(5e6)))) if ranges else 0,
            "firstBytes": draw.randint(64, 512) << 10, "audio": draw.choice((0, 2, 4, 6, 10, 10)),
            "oneByOne": draw.random() < 0.3, "most": most, "slack": draw.choice((0, 0, 0.3 * most, 0.5 * most)),
            "startAt": draw.uniform(1, 5), "jumps": draw.choice((0, 0.03)), "pauses": draw.choice((0, 0.03)),
        }, self.quic)

    def _adaptive(self, kind):
        self.wait(self.client_python("player", self.address, kind, self.film, self.session.seconds,
                                     self.random.randrange(1 << 30), log="player"))

    def _adaptive_hls(self):
        self._adaptive("hls")

    def _adaptive_dash(self):
        self._adaptive("dash")

    def _ffmpeg(self, path, *options):
        host = f"[{self.address}]" if ":" in self.address else self.address
        player = self.client_process("ffmpeg", "-v", "error", "-nostdin", *options, "-re", "-tls_verify", "0", "-i",
                                     f"https://{host}/{self.film}/{path}", "-c", "copy", "-f", "null", "-",
                                     log="ffmpeg")
        self.wait(player)

    def _ffmpeg_hls(self):
        self._ffmpeg(f"hls/v{self.random.randrange(3)}.m3u8", "-http_persistent", "1")

    def _ffmpeg_progressive(self):
        self._ffmpeg(self.random.choice(("180p.mp4", "270p.mp4", "360p.mp4")))
