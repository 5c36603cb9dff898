"""Files going up and down: scp, sftp, HTTPS by curl and Chromium, rsync over SSH, FTP over TLS."""

import os

from ..network import server_address
from ..packets import TCP, UDP, Rule
from ..servers import DOWNLOAD, FILM, FTP, FTP_DATA_PORTS, FTP_UPLOADS, QUIC_FILM, SSH
from .base import Application

_FAST_BYTES = 80e6  # of a session on a fast line: some 60,000 packets


class FileTransfer(Application):
    label = "file-transfer"
    variants = ("scp-down", "https-down", "scp-up", "sftp", "https-up", "rsync")
    later_variants = ("ftps-down", "ftps-up")
    fast_variants = ("chromium-http3-down", "https-down", "scp-down", "chromium-http3-up", "chromium-http2-down",
                     "ftps-down", "https-up", "scp-up", "rsync")
    long_later_variants = fast_later_variants = ("chromium-http3-down", "chromium-http3-up")

    def prepare(self):
        folder = self.lab.content.path("files")
        self.files = sorted(os.path.join(folder, name) for name in os.listdir(folder))
        self.remote = os.path.join(self.folder, "remote")
        os.makedirs(self.remote)
        if self.fast:
            self.vary_pacing()

    def rules(self):
        if self.session.variant.startswith("ftps"):  # files travel on connections of their own
            return [Rule(TCP, frozenset([21, *FTP_DATA_PORTS]), frozenset([server_address(FTP, self.session.family)]))]
        if self._quic():
            return [Rule(UDP, frozenset([443]), frozenset([server_address(QUIC_FILM, self.session.family)]))]
        if self.session.variant.startswith("chromium"):
            return [Rule(TCP, frozenset([443]), frozenset([server_address(FILM[0], self.session.family)]))]
        host = DOWNLOAD if self.session.variant.startswith("https") else SSH
        return [Rule(TCP, frozenset([443 if host == DOWNLOAD else 22]),
                     frozenset([server_address(host, self.session.family)]))]

    def run(self):
        """One transfer after the other, as a person who fetches or stores several things."""
        if self.session.variant.startswith("chromium"):
            self._chromium()
            return
        number = moved = 0
        while self.left() > 1:
            path = self.random.choice(self.files)
            moved += os.path.getsize(path)
            if self.fast and number and moved > _FAST_BYTES:
                break
            # The longer a person is at it, the bigger the file: the last one is cut off by the end.
            if not self.fast and self.left() > 40 and self.random.random() < 0.6:
                path = max(self.random.sample(self.files, 3), key=os.path.getsize)
            transfer = getattr(self, "_" + self.session.variant.replace("-", "_"))
            self.wait(transfer(path, number))
            self._tidy()
            number += 1
            self.pause(self._interval())

    def _interval(self):
        return self.random.uniform(1, 8) if self.fast else self.random.lognormvariate(0.7, 0.8)

    def _quic(self):
        return self.session.variant.startswith("chromium-http3")

    def _chromium(self):
        order, moved = [], 0
        while not order or (len(order) < 60 and not (self.fast and moved > _FAST_BYTES)):
            path = self.random.choice(self.files)
            name = f"/up/{self.session.name}-{len(order)}" if self.session.variant.endswith("up") else (
                "/files/" + os.path.basename(path))
            order.append({"url": name, "bytes": os.path.getsize(path), "pause": self._interval()})
            moved += order[-1]["bytes"]
        address = server_address(QUIC_FILM if self._quic() else FILM[0], self.session.family)
        self.run_page(address, "move", {"files": order, "up": self.session.variant.endswith("up")}, self._quic())

    def _tidy(self):
        uploads = os.path.join(self.lab.folder, "ftp", FTP_UPLOADS)
        for name in os.listdir(uploads):
            if name.startswith(f"got-{self.session.name}-"):
                os.remove(os.path.join(uploads, name))
        for folder in (self.remote, self.folder):
            for name in os.listdir(folder):
                path = os.path.join(folder, name)
                if name.startswith("got") and os.path.isfile(path):
                    os.remove(path)

    def _ssh_options(self):
        return ("-i", os.path.join(self.lab.folder, "client_key"), "-o", "StrictHostKeyChecking=no",
                "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes",
                "-F", "/dev/null")

    def _host(self):
        address = server_address(SSH, self.session.family)
        return f"root@[{address}]" if ":" in address else f"root@{address}"

    def _scp_down(self, path, number):
        return self.client_process("scp", "-q", *self._ssh_options(), f"{self._host()}:{path}",
                                   os.path.join(self.folder, f"got{number}"), log="scp")

    def _scp_up(self, path, number):
        return self.client_process("scp", "-q", *self._ssh_options(), path,
                                   f"{self._host()}:{self.remote}/got{number}", log="scp")

    def _sftp(self, path, number):
        """One sitting: look around, fetch some files, store one back."""
        smaller = self.random.sample(self.files, 2)
        lines = [f"ls -l {os.path.dirname(path)}", f"get {smaller[0]} {self.folder}/got-a{number}",
                 f"get {path} {self.folder}/got-b{number}", f"put {smaller[1]} {self.remote}/got-c{number}"]
        batch = os.path.join(self.folder, f"batch{number}")
        with open(batch, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        return self.client_process("sftp", "-q", *self._ssh_options(), "-b", batch,
                                   self._host(), log="sftp")

    def _rsync(self, path, number):
        shell = "ssh " + " ".join(self._ssh_options())
        ends = [f"{self._host()}:{path}", os.path.join(self.folder, f"got{number}")]
        if self.random.random() < 0.5:
            ends = [path, f"{self._host()}:{self.remote}/got{number}"]
        return self.client_process("rsync", "-a", "-e", shell, *ends, log="rsync")

    def _url(self, name):
        address = server_address(DOWNLOAD, self.session.family)
        host = f"[{address}]" if ":" in address else address
        return f"https://{host}/{name}"

    def _https_down(self, path, number):
        return self.client_process("curl", "-sS", "--insecure", "-g", "-o", os.path.join(self.folder, f"got{number}"),
                                   self._url(os.path.basename(path)), log="curl")

    def _https_up(self, path, number):
        return self.client_process("curl", "-sS", "--insecure", "-g", "-T", path,
                                   self._url(f"up/{self.session.name}-{number}"), log="curl")

    def _lftp(self, *commands):
        """One sitting of lftp: everything encrypted, whoever asks may come in."""
        address = server_address(FTP, self.session.family)
        host = f"[{address}]" if ":" in address else address
        settings = ("set ftp:ssl-force true", "set ftp:ssl-allow-anonymous true", "set ftp:ssl-protect-data true",
                    "set ssl:verify-certificate no", "set net:max-retries 1", f"open ftp://{host}", "ls")
        return self.client_process("lftp", "--norc", "-c", "; ".join((*settings, *commands)), log="lftp",
                                   env=dict(os.environ, HOME=self.folder))

    def _ftps_down(self, path, number):
        return self._lftp(f"get {os.path.basename(path)} -o {self.folder}/got{number}")

    def _ftps_up(self, path, number):
        return self._lftp(f"cd {FTP_UPLOADS}", f"put {path} -o got-{self.session.name}-{number}")
