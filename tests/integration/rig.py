"""What the integration tests share: captures, the daemon as a process, its notifications, metrics
and control socket, and network namespaces."""

import contextlib
import ctypes
import json
import os
import queue
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.request

BIN = os.environ.get("FLOWMARK_BIN", "build/bin")
SOURCE = os.environ.get("FLOWMARK_SOURCE", os.path.join(os.path.dirname(__file__), "../.."))
PATIENCE_S = 180  # how long a machine may stand still


def skip_all(reason):
    print("skipped:", reason)
    sys.exit(77)


def need_tools(*names):
    missing = [name for name in names if shutil.which(name) is None]
    if missing:
        skip_all("not installed: " + ", ".join(missing))


def tool(name):
    return os.path.join(BIN, name)


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, **options)


def wait_for(what, check):
    """Until check() gives something true, at most PATIENCE_S: a bound, not a synchronisation."""
    end = time.monotonic() + PATIENCE_S
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("waited in vain for " + what)
        time.sleep(0.02)


def make_model(path, *classes):
    """A model that always answers the first class, put in place by rename."""
    subprocess.run([tool("make_model"), path + ".new", *classes], check=True)
    os.rename(path + ".new", path)


# Packets and captures.


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv4_udp(source, destination, sport, dport, length, tos=0):
    """Ethernet, IPv4, UDP; `length` bytes from the IP header on."""
    udp = struct.pack("!HHHH", sport, dport, length - 20, 0) + bytes(length - 28)
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, tos, length, 7, 0, 64, 17, 0,
                     socket.inet_aton(source), socket.inet_aton(destination))
    ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
    return bytes.fromhex("020000000002020000000001") + b"\x08\x00" + ip + udp


def ipv6_udp(source, destination, sport, dport, payload, traffic_class=0):
    udp = struct.pack("!HHHH", sport, dport, payload + 8, 0) + bytes(payload)
    ip = struct.pack("!IHBB", 6 << 28 | traffic_class << 20, len(udp), 17, 64)
    ip += socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, destination)
    return bytes.fromhex("020000000002020000000001") + b"\x86\xdd" + ip + udp


def write_pcap(path, packets):
    """packets: (microseconds, frame)."""
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        for time_us, frame in packets:
            out.write(struct.pack("<IIII", time_us // 10**6, time_us % 10**6, len(frame), len(frame)))
            out.write(frame)


def pcapng_block(kind, body):
    body += bytes(-len(body) % 4)
    return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)


def pcapng_header(*interfaces):
    """A section with an interface for each (link type, snap length), times in microseconds."""
    section = pcapng_block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    return section + b"".join(pcapng_block(1, struct.pack("<HHI", link, 0, snap))
                              for link, snap in interfaces)


def pcapng_packet(interface, time_us, data):
    return pcapng_block(6, struct.pack("<IIIII", interface, time_us >> 32, time_us & 0xFFFFFFFF,
                                       len(data), len(data)) + data)


def read_pcap(path):
    with open(path, "rb") as file:
        data = file.read()
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    at, packets = 24, []
    while at + 16 <= len(data):
        seconds, fraction, length, _ = struct.unpack(order + "IIII", data[at:at + 16])
        packets.append((seconds * 10**6 + fraction, data[at + 16:at + 16 + length]))
        at += 16 + length
    return packets


def without_mark(frame):
    """The frame with DSCP and IPv4 checksum zeroed: what must not change."""
    frame = bytearray(frame)
    if frame[12:14] == b"\x08\x00" and len(frame) >= 34:
        frame[15] &= 3
        frame[24:26] = b"\0\0"
    elif frame[12:14] == b"\x86\xdd" and len(frame) >= 54:
        frame[14] &= 0xF0
        frame[15] &= 0x3F
    return bytes(frame)


def dscp_of(frame):
    if frame[12:14] == b"\x08\x00":
        return frame[15] >> 2
    return (frame[14] & 0xF) << 2 | frame[15] >> 6


# The daemon.


class Daemon:
    """flowmarkd with a configuration in `folder`, started in `cwd` and ready; use as a context.
    `relative`: the configuration is named without its folder."""

    def __init__(self, folder, config, namespace=None, cwd=None, relative=False):
        self.folder = folder
        self.config_path = os.path.join(folder, "flowmark.yaml")
        self.write_config(config)
        self.notify_path = os.path.join(folder, "notify.sock")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.notify_path)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(self.notify_path)
        self.notifications = queue.Queue()
        threading.Thread(target=self.collect_notifications, daemon=True).start()
        self.log_path = os.path.join(folder, "flowmarkd.log")
        self.out_path = os.path.join(folder, "flowmarkd.out")
        config_name = os.path.basename(self.config_path) if relative else self.config_path
        command = [os.path.abspath(tool("flowmarkd")), "--config", config_name]
        self.namespace = namespace
        if namespace:
            command = ["ip", "netns", "exec", namespace] + command
        environment = dict(os.environ, NOTIFY_SOCKET=self.notify_path)
        with open(self.log_path, "w") as log, open(self.out_path, "w") as out:
            self.process = subprocess.Popen(command, stderr=log, stdout=out, env=environment,
                                            cwd=cwd)
        self.status = None

    def write_config(self, config):
        temporary = self.config_path + ".new"
        with open(temporary, "w") as file:
            file.write(config)
        os.rename(temporary, self.config_path)

    def __enter__(self):
        try:
            self.wait_notification("READY=1")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.notify.shutdown(socket.SHUT_RDWR)
        self.notify.close()

    def collect_notifications(self):
        """All the time, as the service manager does: the sender waits for a full socket."""
        with contextlib.suppress(OSError):
            while message := self.notify.recv(4096).decode():
                for line in message.split("\n"):
                    self.notifications.put(line)

    def wait_notification(self, line):
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            try:
                if self.notifications.get(timeout=0.2) == line:
                    return
            except queue.Empty:
                if self.process.poll() is not None:
                    break
        raise AssertionError("no %s; the log:\n%s" % (line, self.log()))

    def forget_notifications(self):
        while not self.notifications.empty():
            self.notifications.get()

    def log(self):
        with open(self.log_path) as file:
            return file.read()

    def stop(self, signal_number=signal.SIGTERM):
        """Ends it; the exit status and the summary."""
        self.process.send_signal(signal_number)
        status = self.process.wait(timeout=PATIENCE_S)
        with open(self.out_path) as file:
            return status, file.read()

    def hang_up(self):
        self.forget_notifications()
        self.process.send_signal(signal.SIGHUP)
        self.wait_notification("READY=1")

    def ctl(self, *arguments):
        result = run(tool("flowmark"), "ctl", "--socket", os.path.join(self.folder, "ctl.sock"),
                     "--json", *arguments)
        if not result.stdout:
            raise AssertionError(result.stderr)
        return json.loads(result.stdout)


def summary_count(summary, name):
    found = re.search(r"^\s+%s\s+(\d+)$" % re.escape(name), summary, re.MULTILINE)
    return int(found.group(1)) if found else 0


def scrape(port):
    with urllib.request.urlopen("http://127.0.0.1:%d/metrics" % port, timeout=PATIENCE_S) as answer:
        return answer.read().decode()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class FolderTest(unittest.TestCase):
    """A test with a folder of its own."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="flowmark-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def base_config(self):
        """EAL and sockets that do not collide with anything else on the machine."""
        return ("eal: {memory_mb: 160, huge_pages: 'off', file_prefix: fmtest%d}\n"
                "control: {socket: ctl.sock}\n" % os.getpid())


# Settings for tests that count marks of a short capture, which passes in a few milliseconds: a
# worker that was stopped by others for longer still asks its models after the next burst.
ASKS_AFTER_EVERY_BURST = "inference: {slice_us: 10000, busy_share: 1}\n"


# Network namespaces.

CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


@contextlib.contextmanager
def in_namespace(name):
    """Sockets made inside belong to the namespace, also later."""
    with open("/proc/self/ns/net") as own, open("/run/netns/" + name) as other:
        if libc.setns(other.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns " + name)
        try:
            yield
        finally:
            libc.setns(own.fileno(), CLONE_NEWNET)
