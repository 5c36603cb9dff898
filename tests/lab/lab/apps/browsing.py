"""Web pages over HTTPS: headless Chromium (HTTP/1.1 and HTTP/2), and pages fetched by curl."""

import json
import os

from ..content import SITES
from ..network import server_address
from ..packets import TCP, Rule
from ..servers import CDN, MEDIA, SITE
from .base import Application


class Browsing(Application):
    label = "browsing"
    variants = ("chromium-http2", "chromium-http1", "chromium-mixed", "curl-http2")

    def prepare(self):
        kind = self.session.variant.split("-")[1]
        sites = range(SITES[self.session.split])
        self.sites = [n for n in sites if kind == "mixed" or n % 2 == (0 if kind == "http2" else 1)]
        family = self.session.family
        self.names = {f"site{n}.lab": server_address(SITE + n, family) for n in sites}
        for protocol in (0, 1):
            self.names[f"cdn{protocol}.lab"] = server_address(CDN[protocol], family)
            self.names[f"media{protocol}.lab"] = server_address(MEDIA[protocol], family)

    def rules(self):
        return [Rule(TCP, frozenset([443]), frozenset(self.names.values()))]

    def run(self):
        if self.session.variant.startswith("chromium"):
            self._chromium()
        else:
            self._curl()

    def _chromium(self):
        visits = {"names": self.names, "seconds": self.session.seconds, "seed": self.random.randrange(1 << 30),
                  "sites": self.sites, "folder": self.folder,
                  "pages": {n: self._pages(n) for n in self.sites}}
        path = os.path.join(self.folder, "visits.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(visits, file)
        self.wait(self.client_python("browser", path, log="browser"))

    def _pages(self, site):
        folder = self.lab.content.path("sites", f"site{site}")
        return len([name for name in os.listdir(folder) if name.endswith(".html")])

    def _curl(self):
        """Page, then its objects over shared connections, then what comes in late; then reading."""
        while self.left() > 2:
            site = self.random.choice(self.sites)
            for page in self.random.sample(range(self._pages(site)), self.random.randint(1, 3)):
                base = f"https://site{site}.lab/page{page}"
                with open(self.lab.content.path("sites", f"site{site}", f"page{page}.json"), encoding="utf-8") as file:
                    urls = json.load(file)
                self._fetch([base + ".html"])
                self._fetch(urls["now"])
                self.pause(self.random.uniform(0.5, 3))
                self._fetch(urls["late"])
                self.pause(self.random.lognormvariate(1.8, 0.7))
                if self.left() < 2:
                    return

    def _fetch(self, urls):
        names = [word for name, address in self.names.items() for word in (
            "--resolve", f"{name}:443:{f'[{address}]' if ':' in address else address}")]
        outputs = [word for url in urls for word in ("-o", "/dev/null", url)]
        self.wait(self.client_process("curl", "-sS", "--insecure", "--http2", "--parallel", "--parallel-max", "8",
                                      *names, *outputs, log="curl"))
