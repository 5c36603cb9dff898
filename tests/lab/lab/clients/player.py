"""A player with adaptive rate: fetches HLS or DASH over HTTPS as players do.

Keeps a buffer of some ten to forty seconds: fills it at full speed, then fetches a segment whenever
one fits. Picks the rendition by measured throughput and buffer, and its viewer sometimes jumps or
pauses.

use: player ADDRESS hls|dash FILM SECONDS SEED
"""

import http.client
import random
import re
import ssl
import sys
import time
import xml.etree.ElementTree as xml

_MPD = "{urn:mpeg:dash:schema:mpd:2011}"


class Fetcher:
    """One persistent HTTPS connection, opened again where the server closed it."""

    def __init__(self, address):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self._make = lambda: http.client.HTTPSConnection(address, 443, timeout=60, context=context)
        self._connection = self._make()

    def get(self, path):
        for attempt in (1, 2):
            try:
                self._connection.request("GET", path, headers={"User-Agent": "flowmark-lab-player/1", "Accept": "*/*"})
                response = self._connection.getresponse()
                body = response.read()
                if response.status != 200:
                    raise RuntimeError(f"{path}: HTTP status {response.status}")
                return body
            except (http.client.RemoteDisconnected, ConnectionResetError):
                if attempt == 2:
                    raise
                self._connection = self._make()


class Hls:
    """Renditions as lists of (path, seconds), lowest rate first."""

    def __init__(self, video, _audio, base):
        master = video.get(base + "/hls/master.m3u8").decode()
        found = re.findall(r"BANDWIDTH=(\d+).*\n(\S+)", master)
        self.renditions = []
        for rate, name in sorted((int(rate), name) for rate, name in found):
            playlist = video.get(f"{base}/hls/{name}").decode()
            segments = re.findall(r"#EXTINF:([\d.]+),.*\n(\S+)", playlist)
            self.renditions.append((rate, [(f"{base}/hls/{path}", float(seconds)) for seconds, path in segments]))

    def start(self, _rendition):
        pass

    def audio(self, _number):
        pass


class Dash:
    """The same of a DASH manifest; sound comes over a connection of its own."""

    def __init__(self, video, audio, base):
        self._video, self._audio = video, audio
        self.renditions, self._sound, self._starts = [], [], []
        root = xml.fromstring(video.get(base + "/dash/manifest.mpd"))
        for adaptation in root.iter(_MPD + "AdaptationSet"):
            for item in adaptation.iter(_MPD + "Representation"):
                template = item.find(_MPD + "SegmentTemplate")
                scale = int(template.get("timescale"))
                fill = lambda name, number=0: f"{base}/dash/" + name.replace(  # noqa: E731
                    "$RepresentationID$", item.get("id")).replace("$Number%05d$", f"{number:05d}")
                segments, number = [], int(template.get("startNumber", 1))
                for step in template.find(_MPD + "SegmentTimeline"):
                    for _ in range(int(step.get("r", 0)) + 1):
                        segments.append((fill(template.get("media"), number), int(step.get("d")) / scale))
                        number += 1
                start = fill(template.get("initialization"))
                if adaptation.get("contentType") == "audio":
                    self._sound = segments
                    audio.get(start)
                else:
                    self.renditions.append((int(item.get("bandwidth")), segments))
                    self._starts.append(start)
        self.renditions, self._starts = map(list, zip(*sorted(
            zip(self.renditions, self._starts), key=lambda pair: pair[0][0])))

    def start(self, rendition):
        self._video.get(self._starts[rendition])

    def audio(self, number):
        if number < len(self._sound):
            self._audio.get(self._sound[number][0])


class Player:
    def __init__(self, film, video, viewer):
        self._film, self._video, self._viewer = film, video, viewer
        self._most = viewer.uniform(12, 40)  # seconds of buffer this player wants
        self._throughput = 0.0  # bits a second, smoothed
        self._buffered = 0.0  # seconds in the buffer at _at
        self._at = time.monotonic()
        self._playing = False
        self._paused_until = 0.0

    def _elapse(self):
        now = time.monotonic()
        if self._playing and now > self._paused_until:
            self._buffered = max(0.0, self._buffered - (now - max(self._at, self._paused_until)))
        self._at = now

    def _choose(self):
        rates = [rate for rate, _ in self._film.renditions]
        share = 0.6 if self._buffered < 8 else 0.85
        fitting = [i for i, rate in enumerate(rates) if rate <= share * self._throughput]
        return max(fitting, default=0)

    def _viewer_acts(self, number, last):
        """Sometimes the viewer jumps (the buffer is thrown away) or pauses."""
        if self._viewer.random() < 0.03:
            self._buffered = 0.0
            return self._viewer.randrange(last)
        if self._viewer.random() < 0.03:
            self._paused_until = time.monotonic() + self._viewer.uniform(3, 12)
        return number

    def play(self, seconds):
        end = time.monotonic() + seconds
        rendition = -1
        number = self._viewer.randrange(len(self._film.renditions[0][1]) // 2)
        while time.monotonic() < end:
            chosen = self._choose()
            if chosen != rendition:
                rendition = chosen
                self._film.start(rendition)
            segments = self._film.renditions[rendition][1]
            number = self._viewer_acts(number, len(segments)) % len(segments)
            path, duration = segments[number]
            before = time.monotonic()
            size = len(self._video.get(path))
            self._film.audio(number)
            measured = 8 * size / max(1e-3, time.monotonic() - before)
            self._throughput = 0.7 * self._throughput + 0.3 * measured if self._throughput else measured
            self._elapse()
            self._buffered += duration
            self._playing = self._playing or self._buffered > 3
            number += 1
            while self._buffered + duration > self._most and time.monotonic() < end:
                time.sleep(0.1)
                self._elapse()


def main():
    address, kind, name, seconds, seed = sys.argv[1:]
    video = Fetcher(address)
    audio = Fetcher(address) if kind == "dash" else None
    film = (Hls if kind == "hls" else Dash)(video, audio, "/" + name)
    Player(film, video, random.Random(int(seed))).play(float(seconds))


if __name__ == "__main__":
    main()
