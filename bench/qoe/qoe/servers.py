"""The web server for pages, film and downloads: nginx, HTTP/2 and HTTP/1.1 over TLS."""

import os
import subprocess
import time

from .shell import check

HOSTS = [f"{name}.lab" for name in (*(f"site{n}" for n in range(4)), "cdn0", "cdn1", "media0", "media1")]
_CONFIG = """daemon off; user root; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx-error.log;
events {{ worker_connections 512; }}
http {{
  types {{ text/html html; text/css css; application/javascript js; application/json json; image/jpeg jpg; }}
  access_log off; sendfile on; tcp_nodelay on; keepalive_timeout 65;
  client_max_body_size 2g; client_body_temp_path {folder}/body;
  ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.key;
  add_header Access-Control-Allow-Origin *;
  server {{
    listen 443 ssl http2 default_server; root {content};
    location /up/ {{ alias {folder}/up/; dav_methods PUT; create_full_put_path on; }}
  }}
{sites}}}
"""
_SITE = "  server {{ listen 443 ssl http2; server_name {name}; root {root}; location = /beacon {{ return 204; }} }}\n"
_START_S = 20


def start_web(network, processes, content, folder):
    os.makedirs(os.path.join(folder, "up"))
    check("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=lab",
          "-keyout", folder + "/server.key", "-out", folder + "/server.pem")
    sites = os.path.join(content, "sites")
    text = "".join(_SITE.format(name=name, root=os.path.join(sites, name[:-4]) if name.startswith("site") else sites)
                   for name in HOSTS)
    path = os.path.join(folder, "nginx.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write(_CONFIG.format(folder=folder, content=content, sites=text))
    processes.start(None, *network.inside("net", "nginx", "-e", folder + "/nginx-error.log", "-c", path), log="nginx")
    wait_for_port(network, "net", "127.0.0.1", 443)


def wait_for_port(network, place, address, port):
    """Returns once something answers on the TCP port."""
    probe = f"import socket; socket.create_connection(({address!r}, {port}), 1).close()"
    end = time.monotonic() + _START_S
    while subprocess.run(network.inside(place, "/usr/bin/python3", "-c", probe), capture_output=True,
                         check=False).returncode:
        if time.monotonic() > end:
            raise RuntimeError(f"nothing answers on {address} port {port}")
        time.sleep(0.1)
