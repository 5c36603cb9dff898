"""Services of the class `other` over HTTP, and mail: updates (apt), telemetry (curl), IMAP and SMTP."""

import hashlib
import os
import shutil

from ..process import check
from ..servers import wait_for_port
from .screen import OwnHost

_NGINX = """daemon off; user root; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx-error.log;
events {{ worker_connections 256; }}
http {{
  access_log off; keepalive_timeout 65; keepalive_requests 10000; client_body_temp_path {folder}/body;
  client_max_body_size 4m;
  server {{
    listen {address}:80; listen {address}:443 ssl{http2};
    ssl_certificate {certificates}/server.pem; ssl_certificate_key {certificates}/server.key;
    root {folder}/mirror;
    location /beacon {{ return 204; }}
    location /answer {{ return 200 '{answer}'; }}
  }}
}}
"""
_DOVECOT = """base_dir = {folder}/dovecot
protocols = imap
listen = {address}
ssl = yes
ssl_cert = <{certificates}/server.pem
ssl_key = <{certificates}/server.key
log_path = /dev/stderr
mail_location = maildir:{folder}/maildir
first_valid_gid = 0
disable_plaintext_auth = no
passdb {{
  driver = static
  args = password=secret
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={folder}/maildir
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    port = 993
  }}
}}
"""


class WebServices(OwnHost):
    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        return path

    def _start_web(self):
        os.makedirs(os.path.join(self.folder, "mirror"), exist_ok=True)
        path = self.write("nginx.conf", _NGINX.format(
            folder=self.folder, certificates=self.lab.certificates, address=self.host_literal,
            http2=self.random.choice((" http2", "")), answer="a" * self.random.randint(20, 900)))
        self.host_process("nginx", "-e", os.path.join(self.folder, "nginx-error.log"), "-c", path, log="nginx")
        wait_for_port(self.host, self.host_address, 80)

    # -- telemetry: small posts at their own pace over connections that stay

    def prepare_telemetry(self):
        self._start_web()

    def run_telemetry(self):
        dice, running = self.random, []
        for place in range(dice.randint(1, 4)):
            body = os.path.join(self.folder, f"body{place}")
            with open(body, "wb") as file:
                file.write(dice.randbytes(round(min(20000, 80 + dice.lognormvariate(6, 1.2)))))
            running.append(self.client_process(
                "curl", "-sS", "--insecure", "-g", "--rate", f"{dice.choice((12, 20, 30, 60, 120, 200))}/m",
                "--data-binary", "@" + body, *(word for n in range(400) for word in (
                    "-o", "/dev/null", f"https://{self.host_literal}/{dice.choice(('beacon', 'answer'))}?{n}")),
                log="curl"))
            self.pause(dice.uniform(0, 4))
        return running

    # -- updates: lists, then packages, as apt fetches them

    def prepare_updates(self):
        """A mirror with packages that hold nothing, as apt does not look into them here."""
        dice, text = self.random, ""
        self._start_web()
        mirror = os.path.join(self.folder, "mirror")
        self._packages = [f"package{n}" for n in range(40)]
        for name in self._packages:
            data = dice.randbytes(round(min(1.2e6, dice.lognormvariate(11, 1.1))))
            with open(os.path.join(mirror, name + ".deb"), "wb") as file:
                file.write(data)
            text += (f"Package: {name}\nVersion: 1\nArchitecture: amd64\nFilename: ./{name}.deb\nSize: {len(data)}\n"
                     f"SHA256: {hashlib.sha256(data).hexdigest()}\nDescription: nothing\n\n")
        for n in range(dice.randint(200, 3000)):
            text += (f"Package: other{n}\nVersion: {n}\nArchitecture: amd64\nFilename: ./other{n}.deb\nSize: 1\n"
                     f"SHA256: {dice.randrange(1 << 256):064x}\nDescription: nothing\n\n")
        with open(os.path.join(mirror, "Packages"), "w", encoding="ascii") as file:
            file.write(text)
        check("gzip", "-k", os.path.join(mirror, "Packages"))
        state = self.home("apt")
        for folder in ("lists/partial", "archives/partial", *(f"etc/{name}.d" for name in (
                "preferences", "sources.list", "apt.conf"))):
            os.makedirs(os.path.join(state, folder))
        self._status = self.write("status", "")
        self._sources = self.write("sources.list", f"deb [trusted=yes] http://{self.host_literal}/ ./\n")
        settings = {"Dir::State": state, "Dir::State::lists": f"{state}/lists", "Dir::State::status": self._status,
                    "Dir::Cache": state, "Dir::Cache::archives": f"{state}/archives", "Dir::Etc": f"{state}/etc",
                    "Dir::Etc::sourcelist": self._sources, "APT::Sandbox::User": "root", "Acquire::Languages": "none",
                    "Acquire::http::Proxy": "false"}
        self._apt = ["apt-get", "-q", *(word for pair in settings.items() for word in ("-o", "=".join(pair)))]

    def run_updates(self):
        dice = self.random
        while self.left() > 3:
            self.wait(self.client_process(*self._apt, "update", log="apt", cwd=self.folder))
            self.pause(dice.uniform(0.5, 4))
            for _ in range(dice.randint(1, 3)):
                if self.left() > 3:
                    names = dice.sample(self._packages, dice.randint(1, 6))
                    self.wait(self.client_process(*self._apt, "download", *names, log="apt", cwd=self.home("apt")))
                    self.pause(dice.lognormvariate(1.2, 0.8))
            for name in os.listdir(self.home("apt")):
                if name.endswith(".deb"):
                    os.remove(os.path.join(self.home("apt"), name))
        return []

    # -- mail: a mailbox that is watched, mail that comes and goes

    def prepare_mail(self):
        """Both servers handle letters as nobody, who must be able to read the key too."""
        box, key = os.path.join(self.folder, "maildir"), os.path.join(self.folder, "mail.key")
        for folder in (box, *(os.path.join(box, name) for name in ("cur", "new", "tmp"))):
            os.makedirs(folder)
            shutil.chown(folder, "nobody")
        shutil.copy(f"{self.lab.certificates}/server.key", key)
        shutil.chown(key, "nobody")
        path = self.write("dovecot.conf", _DOVECOT.format(
            folder=self.folder, certificates=self.lab.certificates, address=self.host_address))
        self.host_process("dovecot", "-F", "-c", path, log="dovecot")
        self.host_process("/usr/bin/python3", "-m", "aiosmtpd", "-l", f"{self.host_address}:465", "--smtpscert",
                          f"{self.lab.certificates}/server.pem", "--smtpskey", key, "-c",
                          "aiosmtpd.handlers.Mailbox", box, log="aiosmtpd")
        for port in (993, 465):
            wait_for_port(self.host, self.host_address, port)

    def _send(self, start, log):
        """A letter, now and then with something attached."""
        dice = self.random
        size = dice.lognormvariate(7.5, 0.9) if dice.random() < 0.75 else dice.lognormvariate(11, 0.8)
        letter = self.write(log + ".eml", "From: a@lab\nTo: b@lab\nSubject: letter\n\n" + "".join(
            f"{dice.getrandbits(280):070x}\n" for _ in range(round(min(size, 4e5) / 71))))
        return start("curl", "-sS", "--insecure", "-g", "--crlf", f"smtps://{self.host_literal}:465", "--mail-from",
                     "a@lab", "--mail-rcpt", "b@lab", "--upload-file", letter, log=log)

    def run_mail(self):
        dice = self.random
        settings = self.write("fetchmailrc", (
            f"poll \"{self.host_address}\" protocol IMAP service 993\n"
            " user b password secret ssl no sslcertck keep idle mda \"cat >/dev/null\"\n"))
        os.chmod(settings, 0o600)
        reader = self.client_process("fetchmail", "-f", settings, "--nodetach", "--pidfile",
                                     os.path.join(self.folder, "fetchmail.pid"), log="fetchmail",
                                     env=dict(os.environ, HOME=self.home("mail")))
        while self.left() > 4:
            self.pause(dice.lognormvariate(1.4, 0.7))
            if self.left() > 4:
                own = dice.random() < 0.4
                self.wait(self._send(self.client_process if own else self.host_process, "sent" if own else "arrived"))
        return [reader]
