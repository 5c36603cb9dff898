"""Video calls: WebRTC between two headless Chromium, baresip, and ffmpeg's RTP sender."""

import json
import os
import re
import subprocess

from ..packets import UDP, Rule
from ..process import check
from .base import LAB_FOLDER, PYTHON
from .voip import Voip

_SOUND_PORTS, _PICTURE_PORTS = 40000, 50000  # 50 even ones each; a bundled call uses those of pictures
_WEBRTC_CODECS = ("VP8", "VP8", "VP9", "H264")
_WEBRTC_KBIT = (150, 250, 400, 400, 600, 900, 1500)
_WEBRTC_FRAMES = (10, 15, 15, 20, 24, 30)
_BARESIP_VIDEO = """video_source avformat,{camera}
video_display fakevideo,nil
video_size {width}x{height}
video_bitrate {bitrate}
video_fps {frames}
video_fullscreen no
module avformat.so
module avcodec.so
module swscale.so
module vp8.so
module fakevideo.so
"""


class VideoCall(Voip):
    """Its telephones and speech are those of calls by voice; of SIP calls only the pictures' RTP is
    labelled: the sound beside it is a call by voice in its own flow. In a tunnel both are in one."""

    label = "video-call"
    variants = ("ffmpeg-h264", "webrtc-video", "ffmpeg-vp8", "baresip-vp8")
    later_variants = ()

    def prepare(self):
        folder = self.lab.content.path("cameras")
        with open(os.path.join(folder, "cameras.json"), encoding="utf-8") as file:
            self._streams = json.load(file)
        self._cameras = sorted(name for name in os.listdir(folder) if name.startswith("camera") and
                               name.endswith(".mkv"))
        super().prepare()

    def prepare_call(self):
        plain = self.session.technique == "plain"
        self._packet = self.random.choice((1000, 1100, 1200, 1200, 1200) + ((1300, 1400) if plain else ()))
        self._bundle = self.session.variant.startswith("ffmpeg") and self.random.random() < 0.6
        if self.session.variant == "webrtc-video":
            self._draw_webrtc()
            self.start_callee()
        elif self.session.variant == "baresip-vp8":
            self.configure_phones("opus/48000/2", self._video_settings, ";video_codecs=vp8")
        else:
            self._join_streams()

    def rules(self):
        if self._bundle or self.session.variant == "webrtc-video":
            return [Rule(UDP, peers=frozenset([self.phone_address]))]
        if self.session.variant == "baresip-vp8":
            return [Rule(UDP, self._picture_ports())]
        return [Rule(UDP, frozenset(range(_PICTURE_PORTS, _PICTURE_PORTS + 100, 2)))]

    def run(self):
        if self.session.variant == "webrtc-video":
            self.run_caller()
        elif self.session.variant == "baresip-vp8":
            self.run_baresip("-s")
        else:
            self._run_ffmpeg()

    # -- WebRTC

    def _draw_webrtc(self):
        """One codec for both ends; the rest is each end's own."""
        codec, share = self.random.choice(_WEBRTC_CODECS), self.random.random() < 0.15
        self._videos = []
        for side in (0, 1):
            screen = share and side == 0
            frames = self.random.choice((3, 5)) if screen else self.random.choice(_WEBRTC_FRAMES)
            limits = {"maxBitrate": 1000 * self.random.choice(_WEBRTC_KBIT), "maxFramerate": frames,
                      "scaleResolutionDownBy": self.random.choice((1, 1.5, 2, 2) if frames < 20 else (1.5, 2, 2))}
            camera = self.lab.content.path("cameras", self.random.choice(self._cameras).replace(".mkv", ".y4m"))
            self._videos.append({"camera": camera, "codec": codec, "limits": limits, "events": self._events()})

    def _events(self):
        """Some turn the camera off for a while, some the microphone."""
        events, seconds = [], self.session.seconds - 8
        for chance, pairs in ((0.3, (("off", "on"), ("black", "light"))), (0.3, (("mute", "speak"),))):
            if self.random.random() < chance:
                begin = self.random.uniform(0.05, 0.6) * seconds
                end = begin + self.random.uniform(0.1, 0.35) * seconds
                events += zip((begin, end), self.random.choice(pairs))
        return sorted(events)

    def video(self, side):
        return self._videos[side]

    # -- baresip: encodes itself

    def _video_settings(self):
        """Its camera is an encoded stream, which is as long as the call and little work to decode."""
        camera = self.random.choice([one["name"] for one in self._streams if one["codec"] == "h264"])
        width, height = self.random.choice(((320, 240), (320, 180), (352, 288), (480, 270), (640, 360)))
        return _BARESIP_VIDEO.format(
            camera=self.lab.content.path("cameras", camera), width=width, height=height,
            bitrate=1000 * self.random.choice((200, 300, 400, 512, 700, 1000)),
            frames=self.random.choice((10, 15, 20, 25)))

    def _picture_ports(self):
        """Those the two telephones named in their session descriptions (RFC 4566), which their logs have."""
        ports = set()
        for log in ("caller", "callee"):
            path = os.path.join(self.processes.log_folder, log + ".log")
            with open(path, encoding="utf-8", errors="replace") as file:
                ports |= {int(port) for port in re.findall(r"m=video (\d+) ", file.read())}
        if not ports - {0}:
            raise RuntimeError(f"{self.session.name}: no pictures were agreed on, see {self.processes.log_folder}")
        return frozenset(ports - {0})

    # -- ffmpeg: encoded beforehand, sent in real time from the port it would receive on

    def _join_streams(self):
        """One file a side: a stream of pictures from the content, and speech."""
        codec = self.session.variant.split("-")[1]
        self._sides = self.random.sample([one for one in self._streams if one["codec"] == codec], 2)
        for side, stream, speech in zip("ab", self._sides, self.speech):
            check("ffmpeg", "-v", "error", "-y", "-i", self.lab.content.path("cameras", stream["name"]),
                  "-i", speech, "-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a", "libopus", "-application", "voip",
                  "-compression_level", "4",
                  "-b:a", f"{self.random.choice((16, 24, 32, 48))}k", "-frame_duration",
                  str(self.random.choice((20, 20, 20, 40, 60))), os.path.join(self.folder, side + ".mkv"))

    def _run_ffmpeg(self):
        ports = [[base + 2 * self.random.randrange(50) for base in (_SOUND_PORTS, _PICTURE_PORTS)] for _ in range(2)]
        ends = ((self.client, self.client_address), (self.phone, self.phone_address))
        running = []
        for place, (side, stream) in enumerate(zip("ab", self._sides)):
            (namespace, own), peer = ends[place], ends[1 - place][1]
            # Pictures at two to four times their rate, as browsers and telephones pace them.
            pace = max(300, stream["kbit"] * self.random.uniform(2, 4))
            if self._bundle:
                running.append(self.processes.start(
                    namespace, "env", "PYTHONDONTWRITEBYTECODE=1", PYTHON, "-m", "lab.clients.bundle", own,
                    str(ports[place][1]), peer, str(ports[1 - place][1]), str(_SOUND_PORTS), str(_PICTURE_PORTS),
                    str(pace), str(self.session.seconds + 2), log="bundle-" + side, cwd=LAB_FOLDER))
            targets = [self._target(kind, own_port, peer, peer_port)
                       for kind, own_port, peer_port in zip("av", ports[place], ports[1 - place])]
            running.append(self.processes.start(
                namespace, "ffmpeg", "-v", "error", "-nostdin", "-re", "-i", os.path.join(self.folder, side + ".mkv"),
                "-t", str(self.session.seconds), "-map", "0:a", "-c", "copy", "-f", "rtp", targets[0],
                "-t", str(self.session.seconds), "-map", "0:v", "-c", "copy", "-f", "rtp", targets[1],
                log="rtp-" + side, stdout=subprocess.DEVNULL))
        self.pause(self.session.seconds)
        for process in running:
            self.processes.stop(process)

    def _target(self, kind, own_port, peer, peer_port):
        """The URL for ffmpeg's sound ("a") or pictures ("v")."""
        if self._bundle:
            port = _SOUND_PORTS if kind == "a" else _PICTURE_PORTS
            return f"rtp://127.0.0.1:{port}?rtcpport={port}&pkt_size={self._packet - 10}"
        host = f"[{peer}]" if ":" in peer else peer
        return (f"rtp://{host}:{peer_port}?localrtpport={own_port}&localrtcpport={own_port + 1}"
                f"&rtcpport={peer_port + 1}&pkt_size={self._packet}")
