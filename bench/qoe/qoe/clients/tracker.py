"""A tracker that gives everybody the peers it was told of (BEP 3, BEP 23).

use: tracker ADDRESS INFO-HASH=PEER,PEER... ...   (hash in hexadecimal, peers as addresses)
"""

import http.server
import socket
import struct
import sys
import urllib.parse

from ..swarm import PORT, TRACKER_PORT, bencode


def main():
    peers = {}
    for word in sys.argv[2:]:
        info_hash, addresses = word.split("=")
        peers[bytes.fromhex(info_hash)] = b"".join(
            socket.inet_aton(address) + struct.pack("!H", PORT) for address in addresses.split(","))

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):  # pylint: disable=invalid-name
            query = urllib.parse.urlparse(self.path).query
            wanted = dict(urllib.parse.parse_qsl(query, encoding="latin-1")).get("info_hash", "").encode("latin-1")
            body = bencode({"interval": 60, "peers": peers.get(wanted, b"")})
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    http.server.ThreadingHTTPServer((sys.argv[1], TRACKER_PORT), Handler).serve_forever()


if __name__ == "__main__":
    main()
