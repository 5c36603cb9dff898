"""Calls between two telephones: baresip (SIP, Opus or G.711 over RTP), ffmpeg's RTP sender, WebRTC in Chromium."""

import json
import os
import subprocess
import time

from ..network import server_address
from ..packets import UDP, Rule
from ..process import check
from .base import LAB_FOLDER, PYTHON, Application

_RTP_PORTS = (40000, 40100)
_BARESIP_CONFIG = """poll_method epoll
sip_listen {listen}
audio_player aufile,{folder}/heard.wav
audio_source aufile,{speech}
audio_alert aufile,{folder}/alert.wav
ausrc_srate 16000
ausrc_channels 1
auplay_srate 16000
auplay_channels 1
audio_level no
rtp_ports {first}-{last}
jitter_buffer_delay 5-10
module_path /usr/lib/baresip/modules
module stdio.so
module opus.so
module g711.so
module aufile.so
module_tmp account.so
module_app menu.so
opus_bitrate {bitrate}
opus_cbr {cbr}
opus_application voip
"""
_CODECS = {"opus": "opus/48000/2", "pcma": "PCMA/8000/1", "pcmu": "PCMU/8000/1"}


class Voip(Application):
    label = "voip"
    variants = ("baresip-opus", "baresip-pcma", "ffmpeg-opus", "baresip-pcmu")
    later_variants = ("webrtc-audio",)

    def prepare(self):
        self.phone = f"phone{self.session.slot}"
        number = 100 + self.session.slot
        self.add_server(self.phone, number)
        self.phone_address = server_address(number, self.session.family)
        calls = len([n for n in os.listdir(self.lab.content.path("speech")) if n.endswith("-a.wav")])
        call = self.random.randrange(calls)
        sides = [self.lab.content.path("speech", f"call{call}-{side}.wav") for side in "ab"]
        self.random.shuffle(sides)
        self.speech = sides
        self.prepare_call()

    def prepare_call(self):
        if self.session.variant == "ffmpeg-opus":
            self._encode()
        elif self.session.variant == "webrtc-audio":
            self.start_callee()
        else:
            self.configure_phones(_CODECS[self.session.variant.split("-")[1]])

    def rules(self):
        if self.session.variant == "webrtc-audio":  # voice, its control and its keys share one pair of ports
            return [Rule(UDP, peers=frozenset([self.phone_address]))]
        # RTP uses even ports, RTCP the odd ones after them; only the voice itself is labelled.
        return [Rule(UDP, frozenset(range(*_RTP_PORTS, 2)))]

    def run(self):
        if self.session.variant == "ffmpeg-opus":
            self._run_ffmpeg()
        elif self.session.variant == "webrtc-audio":
            self.run_caller()
        else:
            self.run_baresip()

    # -- baresip

    def configure_phones(self, codec, more=lambda: "", account=""):
        """`more`: further lines of a telephone's configuration, `account`: further parameters of its account."""
        bitrate = self.random.choice((16000, 20000, 24000, 32000))
        cbr = "yes" if self.random.random() < 0.2 else "no"
        for name, address, speech in (("caller", self.client_address, self.speech[0]),
                                      ("callee", self.phone_address, self.speech[1])):
            folder = os.path.join(self.folder, name)
            os.makedirs(folder, exist_ok=True)
            host = f"[{address}]" if ":" in address else address
            with open(os.path.join(folder, "config"), "w", encoding="utf-8") as file:
                file.write(_BARESIP_CONFIG.format(
                    listen=f"{host}:5060", folder=folder, speech=speech, first=_RTP_PORTS[0], last=_RTP_PORTS[1],
                    bitrate=bitrate, cbr=cbr) + more())
            with open(os.path.join(folder, "accounts"), "w", encoding="utf-8") as file:
                file.write(f"<sip:{name}@{host}>;regint=0;answermode=auto;audio_codecs={codec}{account}\n")
            with open(os.path.join(folder, "contacts"), "w", encoding="utf-8"):
                pass

    def _wait_for_phone(self, log):
        path = os.path.join(self.processes.log_folder, log + ".log")
        end = time.monotonic() + 15
        while True:
            with open(path, "rb") as file:
                if b"baresip is ready" in file.read():
                    return
            if time.monotonic() > end:
                raise RuntimeError(f"{self.session.name}: baresip did not start, see {path}")
            time.sleep(0.1)

    def run_baresip(self, *options):
        callee = self.processes.start(self.phone, "baresip", *options, "-f", os.path.join(self.folder, "callee"),
                                      log="callee")
        self._wait_for_phone("callee")
        host = f"[{self.phone_address}]" if ":" in self.phone_address else self.phone_address
        caller = self.client_process("baresip", *options, "-f", os.path.join(self.folder, "caller"),
                                     "-e", f"/dial sip:callee@{host}", log="caller")
        self.pause(self.session.seconds)
        for phone in (caller, callee):
            self.processes.stop(phone)

    # -- ffmpeg: encoded beforehand, sent in real time from the port it would receive on

    def _encode(self):
        rate = self.random.choice((16, 24, 40))
        frame = self.random.choice((20, 20, 40, 60))
        for side, speech in zip("ab", self.speech):
            check("nice", "ffmpeg", "-v", "error", "-y", "-i", speech, "-c:a", "libopus", "-application", "voip",
                  "-b:a", f"{rate}k", "-vbr", "on", "-frame_duration", str(frame),
                  os.path.join(self.folder, side + ".mka"))

    def _run_ffmpeg(self):
        port, other_port = (40000 + 2 * self.random.randrange(50) for _ in range(2))
        calls = []
        ends = (("a", self.client, port, self.phone_address, other_port),
                ("b", self.phone, other_port, self.client_address, port))
        for side, namespace, own, address, peer in ends:
            host = f"[{address}]" if ":" in address else address
            calls.append(self.processes.start(
                namespace, "ffmpeg", "-v", "error", "-nostdin", "-re", "-i", os.path.join(self.folder, side + ".mka"),
                "-c", "copy", "-f", "rtp", "-t", str(self.session.seconds),
                f"rtp://{host}:{peer}?localrtpport={own}&localrtcpport={own + 1}&rtcpport={peer + 1}",
                log="rtp-" + side, stdout=subprocess.DEVNULL))
        self.pause(self.session.seconds)
        for call in calls:
            self.processes.stop(call)

    # -- WebRTC: the callee's browser waits for the call, the caller's makes it

    def run_caller(self):
        self.wait(self.client_python("caller", self._settings("caller", 0), log="caller"))

    def video(self, side):  # pylint: disable=unused-argument
        """What one end's browser is told of pictures: none."""
        return None

    def _settings(self, name, side):
        """Path of what one end's browser is told."""
        folder = os.path.join(self.folder, name)
        os.makedirs(folder)
        if side == 1:
            self._dtx = self.random.random() < 0.5
        path = os.path.join(folder, "call.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"calls": side == 0, "folder": folder, "meeting": self.folder, "speech": self.speech[side],
                       "seconds": self.session.seconds - 8, "family": self.session.family, "dtx": self._dtx,
                       "video": self.video(side)}, file)
        return path

    def start_callee(self):
        self.processes.start(self.phone, "env", "PYTHONDONTWRITEBYTECODE=1", PYTHON, "-m", "lab.clients.caller",
                             self._settings("callee", 1), log="callee", cwd=LAB_FOLDER)
