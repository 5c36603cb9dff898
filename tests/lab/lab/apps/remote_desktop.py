"""Screens far away: VNC (TigerVNC), RDP (FreeRDP) and pictures streamed as H.264 with input the other way.

On the far side is a desktop with terminals, and now and then a video, or a game; the person's hands are on
the client's display, and what they do reaches the far side by the protocol.
"""

import os
import subprocess

from ..packets import TCP, UDP, Rule
from ..process import check
from .screen import ScreenApplication

_VNC, _RDP, _MEDIA = 5900, 3389, 47998
_LOCAL_VIDEO, _LOCAL_AUDIO = 5004, 5006
_WORDS = ("window", "report", "of", "and", "the", "quarter", "0.25", "meeting", "draft", "is", "to", "section", "42",
          "table", "with", "results", "list", "never", "house", "under", "return", "value", "test", "river")
_GAME_SCREEN = 640, 400


class RemoteDesktop(ScreenApplication):
    label = "remote-desktop"
    variants = ("tigervnc-tight", "freerdp-rfx", "stream-desktop", "tigervnc-zrle", "freerdp-bitmap", "stream-game")
    ipv4_variants = ("freerdp-rfx", "freerdp-bitmap")

    def prepare(self):
        self.add_host()
        self.program, self.mode = self.session.variant.split("-")
        self.size = self.random.choice(((800, 600), (1024, 768), (1024, 600)))
        if self.mode == "game":
            self.size = _GAME_SCREEN
        if self.program != "stream":
            self.start_screen(self.size)
        if self.program == "tigervnc":
            self._start_vnc()
        else:
            self.start_screen(self.size, far=True)
        self.windows = []
        if self.mode == "game":
            self._start_game()
        else:
            self._furnish()
        if self.program == "freerdp":
            self._start_rdp()
        elif self.program == "stream":
            self._start_stream()

    def rules(self):
        if self.program == "stream":
            return [Rule(UDP, frozenset(self.ports), frozenset([self.host_address]))]
        return [Rule(TCP, frozenset([_VNC if self.program == "tigervnc" else _RDP]), frozenset([self.host_address]))]

    def run(self):
        if self.program == "stream":
            self._run_stream()
            return
        viewer = self._view_vnc() if self.program == "tigervnc" else self._view_rdp()
        self.pause(self.random.uniform(2, 5))
        self.start_hands("work", (self.windows, self.size))
        self._watch()
        self.pause(self.session.seconds)
        self.must_run(viewer)

    # -- the far side's desktop

    def _furnish(self):
        """A window manager and two terminals full of text."""
        environment = self.environment("far", far=True)
        self.host_process("openbox", "--sm-disable", log="openbox", env=environment)
        text = os.path.join(self.folder, "text")
        with open(text, "w", encoding="ascii") as file:
            for _ in range(400):
                file.write(" ".join(self.random.choices(_WORDS, k=self.random.randint(0, 12))) + "\n")
        for _ in range(2):
            x, y = self.random.randint(0, self.size[0] - 530), self.random.randint(0, self.size[1] - 330)
            self.host_process("xterm", "-geometry", f"80x20+{x}+{y}", "-sl", "1000", "-e", "sh", "-c",
                              f"cat {text}; exec cat", log="xterm", env=environment)
            self.windows.append([x, y + 20, 484, 264])
        self.film = None
        if self.random.random() < 0.4:
            self.film = os.path.join(self.folder, "film.mp4")
            source = "life=size=160x90:rate=15:mold=10:ratio=0.2,scale=320:180" if self.session.split == "test" else (
                "testsrc2=size=320x180:rate=15" if self.random.random() < 0.5 else "mandelbrot=size=320x180:rate=15")
            check("nice", "ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", source, "-t", "8", "-c:v", "libx264",
                  "-preset", "ultrafast", "-threads", "1", self.film)

    def _watch(self):
        """In some sessions a video in a window, for a while."""
        if self.mode == "game" or not self.film:
            return
        self.pause(self.random.uniform(5, 0.4 * self.session.seconds))
        player = self.host_process(
            "ffplay", "-v", "error", "-an", "-loop", "0", "-left", str(self.random.randint(0, self.size[0] - 330)),
            "-top", "60", self.film, log="ffplay",
            env=dict(self.environment("far", far=True), SDL_RENDER_DRIVER="software"))
        self.pause(self.random.uniform(10, 30))
        self.processes.stop(player)

    def _start_game(self):
        self.host_process("/usr/games/chocolate-doom", "-iwad", "/usr/share/games/doom/freedoom2.wad", "-warp",
                          str(self.random.randint(1, 20)), "-skill", "2", "-nosound", "-window", "-geometry",
                          "x".join(map(str, self.size)), log="doom", env=self.environment("far", far=True))

    # -- VNC

    def _start_vnc(self):
        self._security = self.random.choice(("None", "TLSNone"))
        self.host_process("Xtigervnc", self.display(far=True), "-rfbport", str(_VNC), "-geometry",
                          "x".join(map(str, self.size)), "-depth", "24", "-SecurityTypes", self._security,
                          "-FrameRate", str(self.random.choice((30, 60))), "-noreset", log="xtigervnc")
        self.wait_for_display(self.display(far=True))

    def _view_vnc(self):
        encoding = {"tight": "Tight", "zrle": "ZRLE"}[self.mode]
        lossy = self.mode == "tight" and self.random.random() < 0.7
        quality = ["-QualityLevel", str(self.random.randint(3, 9))] if lossy else ["-NoJPEG"]
        return self.client_process(
            "xtigervncviewer", f"{self.host_literal}::{_VNC}", "-SecurityTypes", self._security, "-AutoSelect=0",
            "-PreferredEncoding", encoding, "-CustomCompressLevel", "-CompressLevel", str(self.random.randint(1, 6)),
            *quality, "-FullScreen", "-RemoteResize=0", log="viewer", env=self.environment("client"))

    # -- RDP

    def _start_rdp(self):
        environment = dict(self.environment("far", far=True), WLOG_LEVEL="INFO")
        server = self.host_process("stdbuf", "-oL", "freerdp-shadow-cli", f"/port:{_RDP}", "-auth", "/sec:tls",
                                   log="rdp-server", env=environment)
        self.processes.wait_for_log(server, "rdp-server", "Listening on")

    def _view_rdp(self):
        how = ["/rfx", "/bpp:32"] if self.mode == "rfx" else [f"/bpp:{self.random.choice((16, 24, 32))}"]
        return self.client_process(
            "xfreerdp", f"/v:{self.host_literal}:{_RDP}", "/cert:ignore", "/sec:tls", "/u:lab", "/p:lab",
            f"/w:{self.size[0]}", f"/h:{self.size[1]}", "-decorations", *how,
            f"/network:{self.random.choice(('modem', 'broadband-high', 'wan', 'lan'))}", log="viewer",
            env=self.environment("client"))

    # -- a stream of pictures

    def _start_stream(self):
        self.ports = [_MEDIA, self.random.choice((_MEDIA, _MEDIA + 1))]
        far = self.start_python(self.host, "cloud", self.write_order("far", {
            "role": "far", "address": self.host_address, "ports": self.ports,
            "local": [_LOCAL_VIDEO, _LOCAL_AUDIO], "display": self.display(far=True)}), log="cloud-far")
        self.processes.wait_for_log(far, "cloud-far", "ready")

    def _start_encoders(self):
        """Pictures of the display, low in delay; in half of the sessions sound in packets of 10 or 20 ms."""
        dice = self.random
        kbit = round(1000 * min(dice.choice((2, 3, 5, 8, 12, 15)), 0.65 * self.session.conditions.rate_mbit))
        frames = dice.choice((30, 30, 60))
        size = 1200 if self.session.inner else dice.choice((1000, 1200, 1350))
        x264 = ["-x264-params", "nal-hrd=cbr"] if dice.random() < 0.25 else []
        started = [self.host_process(
            "ffmpeg", "-v", "error", "-nostdin", "-f", "x11grab", "-framerate", str(frames), "-video_size",
            "x".join(map(str, self.size)), "-i", self.display(far=True), "-c:v", "libx264", "-preset", "ultrafast",
            "-tune", "zerolatency", "-pix_fmt", "yuv420p", "-threads", "1", "-g", str(10 * frames), "-b:v",
            f"{kbit}k", "-maxrate", f"{kbit}k", "-bufsize", f"{3 * kbit // frames}k", *x264, "-f", "rtp",
            f"rtp://127.0.0.1:{_LOCAL_VIDEO}?pkt_size={size}", log="pictures", stdout=subprocess.DEVNULL)]
        if dice.random() < 0.5:
            started.append(self.host_process(
                "ffmpeg", "-v", "error", "-nostdin", "-re", "-f", "lavfi", "-i", "anoisesrc=color=pink:amplitude=0.1",
                "-c:a", "libopus", "-b:a", "96k", "-frame_duration", dice.choice(("10", "20")), "-f", "rtp",
                f"rtp://127.0.0.1:{_LOCAL_AUDIO}", log="sound", stdout=subprocess.DEVNULL))
        return started

    def _run_stream(self):
        gesture, arguments = "work", (self.windows, self.size)
        if self.mode == "game":
            gesture, arguments = "play", (("Up", "Up", "Down", "Left", "Right"), ("space", "1", "2", "3"))
        encoders = self._start_encoders()
        client = self.start_python(self.client, "cloud", self.write_order("client", {
            "role": "client", "address": self.host_address, "ports": self.ports,
            "report_seconds": self.random.choice((0.05, 0.1, 0.5)), "seconds": self.left(),
            "seed": self.random.randrange(1 << 30), "gesture": gesture, "arguments": arguments}), log="cloud-client")
        self._watch()
        self.pause(self.session.seconds - 1)
        self.must_run(*encoders)
        self.wait(client)
