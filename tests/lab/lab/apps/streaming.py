"""Films over HTTPS: HLS and DASH with adaptive rate, HLS and a single file in ffmpeg."""

import os

from ..network import server_address
from ..packets import TCP, Rule
from ..servers import FILM
from .base import Application


class Streaming(Application):
    label = "streaming"
    variants = ("adaptive-hls", "ffmpeg-hls", "adaptive-dash", "ffmpeg-progressive")

    def prepare(self):
        films = sorted(os.listdir(self.lab.content.path("films")))
        self.film = self.random.choice(films)
        self.address = server_address(FILM[1], self.session.family)

    def rules(self):
        return [Rule(TCP, frozenset([443]), frozenset([self.address]))]

    def run(self):
        getattr(self, "_" + self.session.variant.replace("-", "_"))()

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
