"""What the actuators' tests share: a writer of the stream of verdicts, an actuator as a process, and a
gateway that masquerades between two namespaces."""

import json
import os
import re
import socket
import subprocess

import rig

INNER, SERVER = ("10.9.1.2", 40000), ("10.9.2.2", 5004)
OUTER = ("10.9.2.1", 50000)  # what the gateway makes of INNER
INNER6, SERVER6 = ("fd09:1::2", 40000), ("fd09:2::2", 5004)
UDP, TCP, ICMP = 17, 6, 1


def hello():
    return {"type": "hello", "format": 1, "program": "flowmarkd", "version": "0.1.0", "time_us": 1,
            "mode": "mirror"}


def flow(source, destination, protocol=UDP, vlan=None):
    return {"protocol": protocol, "source": source[0], "source_port": source[1],
            "destination": destination[0], "destination_port": destination[1], "vlan": vlan}


def mark(of, dscp, **more):
    name = None if dscp is None else {46: "EF", 34: "AF41", 10: "AF11"}.get(dscp, str(dscp))
    return {"type": "mark", "time_us": 1790000000000000, "flow": of, "direction": "unknown",
            "class": "voip", "confidence": 0.98, "mark": name, "dscp": dscp, "packets": [20, 20],
            "bytes": [4000, 4000], "flow_start_us": 1789999999000000,
            "last_us": 1790000000000000, "model": "category", "model_hash": "0123456789abcdef", **more}


def end(of, dscp=None, reason="idle"):
    return {**mark(of, dscp), "type": "end", "reason": reason}


def snapshot(*marks):
    return [hello()] + [{**line, "snapshot": True} for line in marks] + [
        {"type": "live", "flows": len(marks)}]


class Stream:
    """flowmarkd's side of the stream, for one reader at a time."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "verdicts.sock")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen()
        self.listener.settimeout(rig.PATIENCE_S)
        self.reader = None

    def accept(self, *lines):
        self.hang_up()
        self.reader, _ = self.listener.accept()
        self.reader.settimeout(rig.PATIENCE_S)
        self.send(*lines)

    def send(self, *lines):
        self.reader.sendall("".join(json.dumps(line) + "\n" for line in lines).encode())

    def hang_up(self):
        if self.reader is not None:
            self.reader.close()
            self.reader = None

    def wait_for_end(self):
        """Until the reader has closed the connection."""
        if self.reader.recv(1) != b"":
            raise AssertionError("a reader has nothing to say")
        self.hang_up()

    def close(self):
        self.hang_up()
        self.listener.close()


class Actuator:
    """One of the programs in a namespace; ends with the test."""

    def __init__(self, test, name, namespace, *arguments):
        self.metrics_path = os.path.join(test.folder, name + ".prom")
        self.log_path = os.path.join(test.folder, name + ".log")
        command = ["ip", "netns", "exec", namespace] if namespace else []
        command += [os.path.abspath(rig.tool(name)), "--socket", test.stream.path, "--metrics",
                    self.metrics_path, *arguments]
        with open(self.log_path, "w") as log:
            self.process = subprocess.Popen(command, stderr=log)
        test.addCleanup(self.kill)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def stop(self):
        """The exit status and what is counted."""
        self.process.terminate()
        return self.finish()

    def finish(self):
        """The same of one that ends by itself."""
        status = self.process.wait(timeout=rig.PATIENCE_S)
        with open(self.metrics_path) as file:
            found = re.findall(r"^flowmark_actuator_(\w+?)(?:_total)?{.*} (\d+)$", file.read(), re.M)
        return status, {name: int(value) for name, value in found}

    def log(self):
        with open(self.log_path) as file:
            return file.read()


# The gateway.


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True)


class Gateway:
    """lan - gateway - wan. The gateway masquerades IPv4 and gives each flow the port 50000."""

    RULES = """
      table ip nat {
        chain postrouting { type nat hook postrouting priority srcnat;
          oifname "wan0" udp dport 5004 masquerade to :50000
          oifname "wan0" masquerade
        }
      }
    """

    def __init__(self, test):
        prefix = "fmact%d" % os.getpid()
        self.lan, self.gateway, self.wan = (prefix + end for end in "lgw")
        for name in (self.lan, self.gateway, self.wan):
            ip("netns", "add", name)
            test.addCleanup(subprocess.run, ["ip", "netns", "del", name])
            ip("-n", name, "link", "set", "lo", "up")
        for name, device, net in ((self.lan, "lan0", 1), (self.wan, "wan0", 2)):
            ip("link", "add", device, "netns", self.gateway, "type", "veth", "peer", "name", "eth0",
               "netns", name)
            for place, end, host in ((self.gateway, device, 1), (name, "eth0", 2)):
                ip("-n", place, "addr", "add", "10.9.%d.%d/24" % (net, host), "dev", end)
                ip("-n", place, "addr", "add", "fd09:%d::%d/64" % (net, host), "dev", end, "nodad")
                ip("-n", place, "link", "set", end, "up")
        for version, gateway in (("-4", "10.9.1.1"), ("-6", "fd09:1::1")):
            ip("-n", self.lan, version, "route", "add", "default", "via", gateway)
        ip("-n", self.wan, "-6", "route", "add", "default", "via", "fd09:2::1")
        self.inside(self.gateway, "sysctl", "-qw", "net.ipv4.ip_forward=1",
                    "net.ipv6.conf.all.forwarding=1")
        self.nft(self.RULES)

    def inside(self, namespace, *command, **options):
        result = rig.run("ip", "netns", "exec", namespace, *command, **options)
        if result.returncode != 0:
            raise AssertionError("%s: %s" % (" ".join(command), result.stderr))
        return result.stdout

    def nft(self, rules):
        self.inside(self.gateway, "nft", "-f", "-", input=rules)

    def marks(self):
        """{(source, port, destination, port): mark} of the UDP entries, by their original side."""
        found = {}
        for version in ("ipv4", "ipv6"):
            listing = self.inside(self.gateway, "conntrack", "-L", "-p", "udp", "-f", version)
            for line in listing.splitlines():
                source, to = re.search(r"src=(\S+) dst=(\S+)", line).groups()
                ports = re.search(r"sport=(\d+) dport=(\d+)", line).groups()
                value = re.search(r"mark=(\d+)", line)
                found[source, int(ports[0]), to, int(ports[1])] = int(value.group(1))
        return found


class Call:
    """Two UDP sockets, one on each side of the gateway, that tell the DSCP of what they receive."""

    def __init__(self, test, gateway, inner=INNER, server=SERVER):
        self.server_address = server
        self.inner = self.socket(gateway.lan, inner)
        self.server = self.socket(gateway.wan, server)
        test.addCleanup(self.inner.close)
        test.addCleanup(self.server.close)
        self.seen_by_server = None

    @staticmethod
    def socket(namespace, address):
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        with rig.in_namespace(namespace):
            made = socket.socket(family, socket.SOCK_DGRAM)
        if family == socket.AF_INET:
            made.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
        else:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS, 1)
        made.settimeout(rig.PATIENCE_S)
        made.bind(address)
        return made

    def exchange(self):
        """A packet there and one back: the DSCP of each as received."""
        self.inner.sendto(b"there", self.server_address)
        there, peer = self.receive(self.server)
        self.seen_by_server = peer[:2]
        self.server.sendto(b"back", peer)
        back, _ = self.receive(self.inner)
        return there, back

    @staticmethod
    def receive(at):
        _, controls, _, peer = at.recvmsg(100, 100)
        value = int.from_bytes(controls[0][2], "little") if controls else 0
        return value >> 2, peer
