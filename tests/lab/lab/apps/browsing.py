"""Web pages over HTTPS: headless Chromium (HTTP/1.1 and HTTP/2), and pages fetched by curl."""

import json
import os

from ..content import ALBUMS, SITES
from ..network import server_address
from ..packets import TCP, UDP, Rule
from ..servers import (CDN, FILM, FILM_NAME, MEDIA, QUIC_CDN, QUIC_FILM, QUIC_MEDIA, QUIC_SITES, SITE,
                       key_hash)
from .base import Application


class Browsing(Application):
    label = "browsing"
    variants = ("chromium-http2", "chromium-http1", "chromium-mixed", "curl-http2")
    fast_variants = ("chromium-http3", "chromium-http2", "chromium-http3", "chromium-mixed")
    long_later_variants = ("chromium-http3",)
    fast_later_variants = ("album-http3", "album-http2", "album-http1", "album-http3", "album-curl2", "album-http2")

    def prepare(self):
        if self.session.variant.startswith("album"):
            self._prepare_album()
            return
        self._folder, self._page = "sites", "https://site{site}.lab/page{page}"
        self._reading = 1.7, 0.7  # of a lognormal: seconds
        kind = self.session.variant.split("-")[1]
        sites = range(SITES[self.session.split])
        self.sites = [n for n in sites if kind in ("mixed", "http3") or n % 2 == (0 if kind == "http2" else 1)]
        self.quic = kind == "http3"
        family = self.session.family
        numbers = {f"site{n}.lab": QUIC_SITES[n % len(QUIC_SITES)] if self.quic else SITE + n for n in sites}
        for protocol in (0, 1):
            numbers[f"cdn{protocol}.lab"] = QUIC_CDN if self.quic else CDN[protocol]
            numbers[f"media{protocol}.lab"] = QUIC_MEDIA if self.quic else MEDIA[protocol]
        self.names = {name: server_address(number, family) for name, number in numbers.items()}

    def _prepare_album(self):
        """Pages of photographs, leafed through: all of a session's hosts speak one protocol."""
        self._folder, self._page = "albums", "https://" + FILM_NAME + "/albums/site{site}/page{page}"
        self._reading = 0.9, 0.6
        self.sites = list(range(ALBUMS[self.session.split]))
        protocol = self.session.variant[-1]
        self.quic = protocol == "3"
        place = 1 if protocol == "1" else 0
        hosts = (QUIC_FILM, QUIC_CDN, QUIC_MEDIA) if self.quic else (FILM[place], CDN[place], MEDIA[place])
        self.names = {name: server_address(number, self.session.family)
                      for name, number in zip((FILM_NAME, "cdn0.lab", "media0.lab"), hosts)}
        self.vary_pacing()

    def rules(self):
        return [Rule(UDP if self.quic else TCP, frozenset([443]), frozenset(self.names.values()))]

    def run(self):
        if "curl" in self.session.variant:
            self._curl()
        else:
            self._chromium()

    def _chromium(self):
        visits = {"names": self.names, "seconds": self.session.seconds, "seed": self.random.randrange(1 << 30),
                  "sites": self.sites, "folder": self.folder,
                  "quic": key_hash(self.lab.certificates) if self.quic else None,
                  "pages": {n: self._pages(n) for n in self.sites}, "page": self._page + ".html",
                  "reading": self._reading}
        path = os.path.join(self.folder, "visits.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(visits, file)
        self.wait(self.client_python("browser", path, log="browser"))

    def _pages(self, site):
        folder = self.lab.content.path(self._folder, f"site{site}")
        return len([name for name in os.listdir(folder) if name.endswith(".html")])

    def _curl(self):
        """Page, then its objects over shared connections, then what comes in late; then reading."""
        while self.left() > 2:
            site = self.random.choice(self.sites)
            for page in self.random.sample(range(self._pages(site)), self.random.randint(1, 3)):
                path = self.lab.content.path(self._folder, f"site{site}", f"page{page}.json")
                with open(path, encoding="utf-8") as file:
                    urls = json.load(file)
                self._fetch([self._page.format(site=site, page=page) + ".html"])
                self._fetch(urls["now"])
                self.pause(self.random.uniform(0.5, 3))
                self._fetch(urls["late"])
                self.pause(self.random.lognormvariate(self._reading[0] + 0.1, self._reading[1]))
                if self.left() < 2:
                    return

    def _fetch(self, urls):
        names = [word for name, address in self.names.items() for word in (
            "--resolve", f"{name}:443:{f'[{address}]' if ':' in address else address}")]
        outputs = [word for url in urls for word in ("-o", "/dev/null", url)]
        self.wait(self.client_process("curl", "-sS", "--insecure", "--http2", "--parallel", "--parallel-max", "8",
                                      *names, *outputs, log="curl"))
