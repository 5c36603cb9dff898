"""The servers of a run: nginx (sites, films, downloads, uploads), sshd, vsftpd, prosody, ngircd."""

import base64
import hashlib
import os
import shutil
import subprocess
import time

from .content import SITES
from .network import server_address
from .process import check, inside

# Last numbers of server addresses. Sites and content networks of even number talk HTTP/2,
# those of odd number HTTP/1.1.
SITE, CDN, MEDIA, FILM, DOWNLOAD = 10, (20, 21), (22, 23), (24, 25), 26
# The same over HTTP/3: films and files, content networks, and hosts that have several sites each.
QUIC_FILM, QUIC_CDN, QUIC_MEDIA, QUIC_SITES = 27, 28, 29, (30, 31, 32, 33)
FILM_NAME = "film.lab"  # for a browser
SSH, FTP, CHAT = 40, 41, 60
IRC_PORT = 6697
FTP_DATA_PORTS = range(42000, 42200)
FTP_UPLOADS = "incoming"

_NGINX = """daemon off; user root; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx-error.log;
events {{ worker_connections 2048; }}
http {{
  types {{ text/html html; text/css css; application/javascript js; application/json json; image/jpeg jpg;
          application/vnd.apple.mpegurl m3u8; video/mp2t ts; video/mp4 mp4 m4s; application/dash+xml mpd; }}
  access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; keepalive_timeout 65; keepalive_requests 2000;
  client_max_body_size 1g; client_body_temp_path {folder}/body;
  ssl_certificate {certificates}/server.pem; ssl_certificate_key {certificates}/server.key;
  ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache shared:s:1m;
  add_header Access-Control-Allow-Origin *;
{servers}}}
"""
_NGINX_SERVER = """  server {{
{listens}    root {root};
    location = /beacon {{ return 204; }}
{more}  }}
"""


def certificates(folder):
    """A key and a self-signed certificate for the lab's names, made once."""
    if os.path.exists(os.path.join(folder, "server.pem")):
        return folder
    temporary = folder + ".part"
    shutil.rmtree(temporary, ignore_errors=True)
    os.makedirs(temporary)
    names = "DNS:*.lab,DNS:chat.lab," + ",".join(f"IP:{server_address(n)},IP:{server_address(n, 6)}"
                                                 for n in (*FILM, DOWNLOAD))
    check("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj", "/CN=lab",
          "-addext", "subjectAltName=" + names,
          "-keyout", temporary + "/server.key", "-out", temporary + "/server.pem")
    os.rename(temporary, folder)
    return folder


def wait_for_port(namespace, address, port, seconds=20):
    """Returns once something in `namespace` answers on the TCP port."""
    probe = (f"import socket; socket.create_connection(({address!r}, {port}), 1).close()")
    end = time.monotonic() + seconds
    while True:
        done = subprocess.run(inside(namespace, "/usr/bin/python3", "-c", probe), capture_output=True, check=False)
        if done.returncode == 0:
            return
        if time.monotonic() > end:
            raise RuntimeError(f"nothing answers on {address} port {port} in {namespace}")
        time.sleep(0.2)


def _listen(numbers, http2):
    lines = ""
    for number in numbers:
        for address in (server_address(number), f"[{server_address(number, 6)}]"):
            lines += f"    listen {address}:443 ssl{' http2' if http2 else ''};\n"
    return lines


def start_web(processes, content, certificate_folder, folder, split):
    uploads = os.path.join(folder, "uploads")
    os.makedirs(uploads, exist_ok=True)
    servers = ""
    for site in range(SITES[split]):
        servers += _NGINX_SERVER.format(listens=_listen([SITE + site], site % 2 == 0),
                                        root=content.path("sites", f"site{site}"), more="")
    for protocol in (0, 1):
        http2 = protocol == 0
        albums, shows, files = (f"    location /{name}/ {{ root {content.folder}; }}\n"
                                for name in ("albums", "shows", "files"))
        servers += _NGINX_SERVER.format(listens=_listen([CDN[protocol], MEDIA[protocol]], http2),
                                        root=content.path("sites"), more=albums)
        servers += _NGINX_SERVER.format(listens=_listen([FILM[protocol]], http2),
                                        root=content.path("films"), more=albums + shows + files)
    upload = f"    location /up/ {{ alias {uploads}/; dav_methods PUT; }}\n"
    servers += _NGINX_SERVER.format(listens=_listen([DOWNLOAD], False), root=content.path("files"), more=upload)
    path = os.path.join(folder, "nginx.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write(_NGINX.format(folder=folder, certificates=certificate_folder, servers=servers))
    processes.start("web", "nginx", "-e", os.path.join(folder, "nginx-error.log"), "-c", path, log="nginx")
    wait_for_port("web", server_address(DOWNLOAD), 443)


_CADDY = """{{
  admin off
  auto_https off
  storage file_system {folder}/caddy
  servers {{
    protocols h1 h2 h3
  }}
}}
(common) {{
  tls {certificates}/server.pem {certificates}/server.key
  header Access-Control-Allow-Origin *
  respond /beacon 204
}}
https://{film} {{
  bind {film_hosts}
  import common
  root * {content}
  file_server
  handle /up/* {{
    reverse_proxy https://{upload} {{
      transport http {{
        tls_insecure_skip_verify
      }}
    }}
  }}
}}
"""
_CADDY_SITE = """https://{name} {{
  bind {hosts}
  import common
  root * {root}
  root /albums/* {content}
  file_server
}}
"""


def _caddy_hosts(*numbers):
    return " ".join(host for n in numbers for host in (server_address(n), f"[{server_address(n, 6)}]"))


def start_quic(processes, content, certificate_folder, folder, split):
    """caddy, for what goes over HTTP/3; it hands uploads on to nginx."""
    text = _CADDY.format(folder=folder, certificates=certificate_folder, film=FILM_NAME, content=content.folder,
                         film_hosts=_caddy_hosts(QUIC_FILM), upload=server_address(DOWNLOAD))
    names = [(f"site{n}.lab", QUIC_SITES[n % len(QUIC_SITES)], content.path("sites", f"site{n}"))
             for n in range(SITES[split])]
    for protocol in (0, 1):
        names += [(f"cdn{protocol}.lab", QUIC_CDN, content.path("sites")),
                  (f"media{protocol}.lab", QUIC_MEDIA, content.path("sites"))]
    for name, number, root in names:
        text += _CADDY_SITE.format(name=name, hosts=_caddy_hosts(number), root=root, content=content.folder)
    path = os.path.join(folder, "Caddyfile")
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    processes.start("web", "caddy", "run", "--config", path, "--adapter", "caddyfile", log="caddy",
                    env=dict(os.environ, HOME=folder, XDG_DATA_HOME=folder, XDG_CONFIG_HOME=folder))
    wait_for_port("web", server_address(QUIC_FILM), 443)


def key_hash(certificate_folder):
    """Base64 of SHA-256 of the certificate's public key, by which Chromium is told to trust it."""
    certificate = check("openssl", "x509", "-in", os.path.join(certificate_folder, "server.pem"), "-pubkey", "-noout")
    body = "".join(line for line in certificate.splitlines() if not line.startswith("-"))
    return base64.b64encode(hashlib.sha256(base64.b64decode(body)).digest()).decode()


def start_files(processes, folder):
    """sshd for root with a key of the run, nothing else allowed."""
    for name in ("host_key", "client_key"):
        check("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", os.path.join(folder, name))
    shutil.copy(os.path.join(folder, "client_key.pub"), os.path.join(folder, "authorized_keys"))
    os.chmod(os.path.join(folder, "authorized_keys"), 0o600)
    os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
    processes.start("files", "/usr/sbin/sshd", "-D", "-e", "-f", "/dev/null", "-h", os.path.join(folder, "host_key"),
                    "-o", f"ListenAddress={server_address(SSH)}", "-o", f"ListenAddress={server_address(SSH, 6)}",
                    "-o", "PermitRootLogin=prohibit-password", "-o", "PasswordAuthentication=no",
                    "-o", f"AuthorizedKeysFile={folder}/authorized_keys", "-o", "StrictModes=no",
                    "-o", "Subsystem=sftp internal-sftp", "-o", f"PidFile={folder}/sshd.pid",
                    "-o", "MaxStartups=100", log="sshd")
    wait_for_port("files", server_address(SSH), 22)


# `isolate`: else its sessions leave the server's namespace, and the end of a run does not find them.
_VSFTPD = """{listen}
background=NO
anonymous_enable=YES
local_enable=NO
no_anon_password=YES
ftp_username=ftp
nopriv_user=nobody
anon_root={root}
write_enable=YES
anon_upload_enable=YES
anon_umask=022
ssl_enable=YES
allow_anon_ssl=YES
force_anon_data_ssl=YES
force_anon_logins_ssl=YES
require_ssl_reuse=NO
rsa_cert_file={certificates}/server.pem
rsa_private_key_file={certificates}/server.key
pasv_min_port={first}
pasv_max_port={last}
max_per_ip=0
secure_chroot_dir={folder}/empty
seccomp_sandbox=NO
isolate=NO
isolate_network=NO
xferlog_enable=NO
"""


def start_ftp(processes, content, certificate_folder, folder):
    """vsftpd over TLS, one for each family: it listens on one address only. Its package makes the user."""
    root = os.path.join(folder, "ftp")
    for path in (root, os.path.join(folder, "empty"), os.path.join(root, FTP_UPLOADS)):
        os.makedirs(path, mode=0o755)
    shutil.chown(os.path.join(root, FTP_UPLOADS), "ftp")
    for name in os.listdir(content.path("files")):  # it locks itself in, so they must be there
        os.link(content.path("files", name), os.path.join(root, name))
    for family, listen in ((4, "listen=YES\nlisten_address="), (6, "listen=NO\nlisten_ipv6=YES\nlisten_address6=")):
        address = server_address(FTP, family)
        settings = os.path.join(folder, f"vsftpd{family}.conf")
        with open(settings, "w", encoding="ascii") as file:
            file.write(_VSFTPD.format(listen=listen + address, root=root, folder=folder,
                                      certificates=certificate_folder, first=FTP_DATA_PORTS[0],
                                      last=FTP_DATA_PORTS[-1]))
        processes.start("files", "vsftpd", settings, log=f"vsftpd{family}")
        wait_for_port("files", address, 21)


_PROSODY = """pidfile = "{folder}/prosody.pid"
data_path = "{folder}/prosody"
run_as_root = true
daemonize = false
modules_enabled = {{ "roster", "saslauth", "tls", "disco", "ping", "presence", "message", "iq", "carbons" }}
modules_disabled = {{ "s2s" }}
authentication = "internal_hashed"
c2s_require_encryption = true
c2s_ports = {{ 5222 }}
s2s_ports = {{ }}
http_ports = {{ }}
https_ports = {{ }}
interfaces = {{ "{address4}", "{address6}", "127.0.0.1" }}
ssl = {{ key = "{certificates}/server.key", certificate = "{certificates}/server.pem" }}
log = {{ info = "{folder}/prosody-info.log" }}
VirtualHost "chat.lab"
Component "rooms.chat.lab" "muc"
muc_room_locking = false
"""


def start_chat(processes, certificate_folder, folder):
    data = os.path.join(folder, "prosody")
    os.makedirs(data, exist_ok=True)
    path = os.path.join(folder, "prosody.cfg.lua")
    with open(path, "w", encoding="utf-8") as file:
        file.write(_PROSODY.format(folder=folder, certificates=certificate_folder,
                                   address4=server_address(CHAT), address6=server_address(CHAT, 6)))
    processes.start("chat", "prosody", "--root", "-F", "--config", path, log="prosody")
    wait_for_port("chat", server_address(CHAT), 5222)


_NGIRCD = """[Global]
Name = irc.lab
Info = chat of the lab
Listen = {address4},{address6}
Ports = 6667
MotdPhrase = Welcome. Be kind to each other.
ServerUID = root
ServerGID = root
[Limits]
MaxConnectionsIP = 0
MaxJoins = 0
PingTimeout = 60
[Options]
DNS = no
Ident = no
PAM = no
[SSL]
CertFile = {certificates}/server.pem
KeyFile = {certificates}/server.key
Ports = {port}
"""


def start_irc(processes, certificate_folder, folder):
    path = os.path.join(folder, "ngircd.conf")
    with open(path, "w", encoding="ascii") as file:
        file.write(_NGIRCD.format(address4=server_address(CHAT), address6=server_address(CHAT, 6),
                                  certificates=certificate_folder, port=IRC_PORT))
    processes.start("chat", "ngircd", "-n", "-f", path, log="ngircd")
    wait_for_port("chat", server_address(CHAT), IRC_PORT)
