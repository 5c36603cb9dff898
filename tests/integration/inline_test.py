#!/usr/bin/env python3
"""flowmarkd inline between two namespaces joined by nothing else: what a gateway box does."""

import hashlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import threading
import unittest

import rig

EF, AF31 = 46, 26
LAN, WAN = "10.9.0.1", "10.9.0.2"
ECT1 = 1


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True)


class Rig:
    """Namespaces lan, wan and, between them, dp."""

    def __init__(self):
        tag = "fm%d" % (os.getpid() % 100000)
        self.dp, self.lan, self.wan = tag + "d", tag + "l", tag + "w"
        for name in (self.dp, self.lan, self.wan):
            ip("netns", "add", name)
            subprocess.run(["ip", "netns", "exec", name, "sysctl", "-qw",
                            "net.ipv6.conf.all.disable_ipv6=1",
                            "net.ipv6.conf.default.disable_ipv6=1"], check=True)
            ip("-n", name, "link", "set", "lo", "up")
        self.join(self.lan, "lan0", "dlan", LAN)
        self.join(self.wan, "wan0", "dwan", WAN)

    def join(self, namespace, inner, outer, address):
        """A cable from `inner` in a namespace to `outer` in dp."""
        ip("link", "add", outer, "netns", self.dp, "type", "veth", "peer", "name", inner, "netns",
           namespace)
        for place, device in ((namespace, inner), (self.dp, outer)):
            subprocess.run(["ip", "netns", "exec", place, "ethtool", "-K", device, "tx", "off",
                            "rx", "off", "sg", "off", "tso", "off", "gso", "off", "gro", "off"],
                           check=True, capture_output=True)
        ip("-n", self.dp, "link", "set", outer, "up", "promisc", "on")
        ip("-n", namespace, "link", "set", inner, "up")
        ip("-n", namespace, "addr", "add", address + "/24", "dev", inner)

    def close(self):
        for name in (self.dp, self.lan, self.wan):
            subprocess.run(["ip", "netns", "del", name])


def udp_socket(namespace, address, port=5004):
    with rig.in_namespace(namespace):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, ECT1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    sock.bind((address, port))
    return sock


def receive(sock):
    """(payload, TOS as it arrived)."""
    data, ancillary, _, _ = sock.recvmsg(2048, 64)
    return data, ancillary[0][2][0]


class Echo(threading.Thread):
    """Sends back what comes, and keeps the TOS values seen."""

    def __init__(self, sock, peer):
        super().__init__(daemon=True)
        self.sock, self.peer, self.tos = sock, peer, []
        self.ends, self.wake = socket.socketpair()
        self.start()

    def run(self):
        while True:
            ready, _, _ = select.select([self.sock, self.ends], [], [])
            if self.ends in ready:
                return
            data, tos = receive(self.sock)
            self.tos.append(tos)
            self.sock.sendto(data, self.peer)

    def stop(self):
        self.wake.send(b"x")
        self.join()
        self.wake.close()
        self.ends.close()


class InlineTest(rig.FolderTest):
    @classmethod
    def setUpClass(cls):
        cls.rig = Rig()

    @classmethod
    def tearDownClass(cls):
        cls.rig.close()

    # Packets here follow each other as fast as the machine goes: no flow's rate is limited.
    NO_LIMITS = "ef_flow_kbit: 0, ef_host_kbit: 0, ef_share_max: 1"

    def config(self, more="", queues=1, classes="{}"):
        port = ("{name: 'net_af_packet%d,iface=%s,blocksz=65536,framesz=2048,framecnt=4096,"
                "qpairs=%d', role: %s}")
        return (self.base_config() + "metrics: {listen: ''}\nports:\n  - " +
                port % (0, "dlan", queues, "lan") + "\n  - " + port % (1, "dwan", queues, "wan") + "\n"
                "models: [{name: category, path: m.onnx, policy: {min_packets: 8}}]\n"
                "marking: {%s, classes: %s}\n" % (self.NO_LIMITS, classes) + more)

    def setUp(self):
        super().setUp()
        self.model = self.path("m.onnx")
        rig.make_model(self.model, "voip", "streaming")
        self.lan = udp_socket(self.rig.lan, LAN)
        self.wan = udp_socket(self.rig.wan, WAN)
        self.addCleanup(lambda: self.lan.close())
        self.addCleanup(self.wan.close)

    def daemon(self, more="", queues=1):
        return rig.Daemon(self.folder, self.config(more, queues), namespace=self.rig.dp)

    def talk(self, packets, at=None, window=64):
        """`packets` packets from lan to wan and back, at most `window` under way; `at(i)` is called
        before packet i. Every one must come back, in order. TOS values seen at (wan, lan). The first
        goes alone: packets that wait for an address to be resolved may be overtaken in the kernel."""
        back, sent = [], 0
        # veth queues packets by the sender's processor: a sender that is moved to another one would
        # overtake itself.
        processors = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {max(processors)})
        echo = Echo(self.wan, self.lan.getsockname())
        try:
            while len(back) < packets:
                while sent < packets and sent - len(back) < (window if back else 1):
                    if at:
                        at(sent)
                    self.lan.sendto(b"%d" % sent + bytes(180), (WAN, 5004))
                    sent += 1
                ready, _, _ = select.select([self.lan], [], [], rig.PATIENCE_S)
                self.assertTrue(ready, "%d packets sent, %d came back" % (sent, len(back)))
                data, tos = receive(self.lan)
                self.assertEqual(int(data.split(b"\0")[0]), len(back), "in order")
                back.append(tos)
        finally:
            echo.stop()
            os.sched_setaffinity(0, processors)
        return echo.tos, back

    def dscp(self, tos_values):
        for tos in tos_values:
            self.assertEqual(tos & 3, ECT1, "ECN is kept")
        return [tos >> 2 for tos in tos_values]

    def wait_for_marks(self, wanted, what):
        """Talks until the last packets towards WAN and LAN carry these marks."""
        rig.wait_for("%s in packets, by %s" % (wanted, what), lambda: wanted == tuple(
            self.dscp(tos)[-1] for tos in self.talk(16, window=8)))

    def test_maps_and_mode_of_marks_change_while_packets_pass(self):
        with self.daemon() as daemon:
            self.wait_for_marks((EF, EF), "the default")
            for marking, wanted in (("profile: two-level, towards_lan: {classes: {voip: AF41}}", (46, 34)),
                                    ("classes: {voip: AF31}", (26, 26)),
                                    ("mode: report", (0, 0)),
                                    ("wash: LE, classes: {voip: CS5}", (40, 40))):
                daemon.write_config(self.config().replace("classes: {}", marking))
                answer = daemon.ctl("reload")
                self.assertEqual(answer["needs_restart"], [], marking)
                self.wait_for_marks(wanted, marking)
            flow = "udp %s:%d %s:5004" % (LAN, self.lan.getsockname()[1], WAN)
            told = daemon.ctl("explain", flow)
            self.assertEqual((told["mark"], told["mark_to_lan"]), ("CS5", "CS5"))
            self.assertEqual(daemon.stop()[0], 0, daemon.log())

    def test_policies_change_while_packets_pass(self):
        with self.daemon() as daemon:
            self.wait_for_marks((EF, EF), "the default")
            flow = "udp %s:%d %s:5004" % (LAN, self.lan.getsockname()[1], WAN)
            for policies, wanted, told in (
                    ("{hosts: 10.9.0.9, mark: false}, {name: mine, inside: %s, mark: false}" % LAN, 0,
                     "policies[1] mine"),
                    ("{outside_ports: 5004, protocols: udp, class: streaming}", 26, "policies[0]"),
                    ("{vlans: 0, direction: outbound, classify: false}", 0, "policies[0]"),
                    ("{direction: inbound, classify: false}", EF, None),
                    ("{name: capped, ef_share_max: 0}", 0, "policies[0] capped")):
                daemon.write_config(self.config() + "policies: [%s]\n" % policies)
                answer = daemon.ctl("reload")
                self.assertEqual(answer["needs_restart"], [], policies)
                self.wait_for_marks((wanted, wanted), policies)
                self.assertEqual(daemon.ctl("explain", flow)["policy"], told)
            daemon.write_config(self.config() + "policies: [{class: voise}]\n")
            answer = daemon.ctl("reload")
            self.assertEqual(answer["outcome"], "refused")
            self.assertIn("policies[0].class: value voise", answer["message"])
            self.assertEqual(daemon.stop()[0], 0, daemon.log())

    def test_ping_and_tcp_pass_and_it_stops_clean(self):
        with self.daemon() as daemon:
            self.ping_and_tcp()
            status, summary = daemon.stop()
            self.assertEqual(status, 0, daemon.log())
        self.assertEqual(rig.summary_count(summary, "received"),
                         rig.summary_count(summary, "forwarded") +
                         rig.summary_count(summary, "dropped"))
        self.assertGreater(rig.summary_count(summary, "received"), 100)
        self.assertFalse(os.path.exists(self.path("ctl.sock")))
        with self.daemon() as daemon:  # nothing left behind hinders the next start
            self.ping_and_tcp()
            self.assertEqual(daemon.stop(signal.SIGINT)[0], 0)

    def test_a_killed_daemon_starts_again(self):
        with self.daemon() as daemon:
            daemon.process.kill()
            daemon.process.wait()
        with self.daemon() as daemon:
            self.talk(20)
            self.assertEqual(daemon.stop()[0], 0)

    def ping_and_tcp(self):
        ping = rig.run("ip", "netns", "exec", self.rig.lan, "ping", "-c", "3", "-i", "0.2", "-W",
                       "20", WAN)
        self.assertIn(" 0% packet loss", ping.stdout)
        with rig.in_namespace(self.rig.wan):
            server = socket.create_server((WAN, 0))
        with rig.in_namespace(self.rig.lan):
            client = socket.socket()
        payload = os.urandom(2_000_000)
        got = hashlib.sha256()

        def serve():
            peer, _ = server.accept()
            with peer:
                while data := peer.recv(65536):
                    got.update(data)

        with server, client:
            thread = threading.Thread(target=serve)
            thread.start()
            client.settimeout(rig.PATIENCE_S)
            client.connect(server.getsockname())
            client.sendall(payload)
            client.shutdown(socket.SHUT_WR)
            thread.join()
        self.assertEqual(got.digest(), hashlib.sha256(payload).digest())

    def test_marks_both_directions_after_the_verdict(self):
        with self.daemon() as daemon:
            up, down = map(self.dscp, self.talk(300, window=8))
            self.assertEqual(up[0], 0, "the first packet is before any verdict")
            self.assertEqual(set(up[-50:] + down[-50:]), {EF})
            flows = daemon.ctl("flows")["flows"]
            self.assertEqual([f["flow"] for f in flows], ["udp 10.9.0.1:5004 10.9.0.2:5004"])
            self.assertEqual(flows[0]["verdicts"][0]["class"], "voip")
            told = daemon.ctl("explain", "udp 10.9.0.2:5004 10.9.0.1:5004")
            self.assertEqual((told["known"], told["mark"], told["packets"]), (True, "EF", 600))
            self.assertEqual(told["models"][0]["class"], "voip")
            self.assertGreater(told["models"][0]["probabilities"]["voip"], 0.9)
            self.assertFalse(daemon.ctl("explain", "tcp 10.9.0.2:1 10.9.0.1:2")["known"])
            self.assertEqual(daemon.stop()[0], 0)

    def test_two_workers_see_both_directions_of_each_flow(self):
        if os.cpu_count() < 2:
            self.skipTest("needs two cores")
        for queues, spreading in ((2, "symmetric hash of the ports"), (1, "distributor")):
            with self.subTest(spreading), self.daemon("workers: 2\n", queues) as daemon:
                self.assertEqual(daemon.ctl("status")["spreading"], spreading)
                for port in range(6000, 6008):
                    self.lan.close()
                    self.lan = udp_socket(self.rig.lan, LAN, port)
                    self.talk(50, window=8)
                    told = daemon.ctl("explain", "udp %s:%d %s:5004" % (LAN, port, WAN))
                    self.assertEqual(told["packets"], 100, "of both directions, with one worker")
                    self.assertEqual(told["mark"], "EF")
                status, summary = daemon.stop()
                self.assertEqual(status, 0, daemon.log())
                self.assertEqual(rig.summary_count(summary, "dropped"), 0)

    def test_reloads_under_traffic_change_verdicts_and_lose_nothing(self):
        classes = [("voip", "streaming"), ("streaming", "voip")]
        with self.daemon() as daemon:
            reloads = []

            def at(i):
                if i % 1000 == 999:
                    rig.make_model(self.model, *classes[(i // 1000 + 1) % 2])
                    daemon.process.send_signal(signal.SIGHUP)
                    reloads.append(i)

            up, down = map(self.dscp, self.talk(8000, at))
            self.assertEqual(len(reloads), 8)
            self.assertIn(EF, up)
            # The reload is asynchronous: the marks of the last model come once it is taken over.
            rig.wait_for("the last model", lambda: daemon.ctl("status")["settled"])
            expected = {"voip": EF, "streaming": AF31}[classes[(7999 // 1000 + 1) % 2][0]]
            up, down = map(self.dscp, self.talk(600))
            self.assertEqual({up[-1], down[-1]}, {expected})
            status, summary = daemon.stop()
            self.assertEqual(status, 0, daemon.log())
            self.assertEqual(rig.summary_count(summary, "dropped"), 0)

    def test_a_thousand_reloads_in_a_row_lose_nothing(self):
        """One after the other without a pause, while packets pass."""
        rounds, outcomes = 1000, []
        files = [self.path("a.onnx"), self.path("b.onnx")]
        rig.make_model(files[0], "streaming", "voip")
        rig.make_model(files[1], "voip", "streaming")
        with self.daemon() as daemon:
            def reload():
                for i in range(rounds):
                    shutil.copy(files[i % 2], self.path("next"))
                    os.rename(self.path("next"), self.model)
                    with socket.socket(socket.AF_UNIX) as ctl:  # the daemon closes silent ones
                        ctl.connect(self.path("ctl.sock"))
                        ctl.sendall(b'{"command":"reload"}\n')
                        outcomes.append(json.loads(ctl.makefile("r").readline())["outcome"])

            thread = threading.Thread(target=reload)
            thread.start()
            while thread.is_alive():
                self.talk(500)
            thread.join()
            # A change that the daemon sees by itself may be taken over before it is asked to.
            self.assertEqual(len(outcomes), rounds)
            self.assertLessEqual(set(outcomes), {"loaded", "unchanged"})
            self.assertIn("loaded", outcomes)
            status, summary = daemon.stop()
            self.assertEqual(status, 0, daemon.log())
            self.assertEqual(rig.summary_count(summary, "dropped"), 0)

    def test_a_damaged_model_is_refused_and_the_running_one_stays(self):
        with self.daemon() as daemon:
            self.talk(100, window=8)
            with open(self.model + ".new", "wb") as file:
                file.write(b"\x08\x07 damaged")
            os.rename(self.model + ".new", self.model)
            refusal = rig.wait_for("the refusal", lambda: daemon.ctl("status")["last_refusal"])
            self.assertIn("m.onnx", refusal)
            up, _ = map(self.dscp, self.talk(50, window=8))
            self.assertEqual(set(up), {EF})
            rig.make_model(self.model, "streaming", "voip")
            rig.wait_for("the good file", lambda: not daemon.ctl("status")["last_refusal"])
            up, _ = map(self.dscp, self.talk(300, window=8))
            self.assertEqual(up[-1], AF31)
            self.assertEqual(daemon.ctl("rollback")["outcome"], "rolled_back")
            up, _ = map(self.dscp, self.talk(300, window=8))
            self.assertEqual(up[-1], EF)
            self.assertEqual(daemon.stop()[0], 0)

    def test_a_bad_configuration_is_refused_while_running(self):
        with self.daemon() as daemon:
            daemon.write_config(self.config("workers: many\nfrobnicate: 1\n"))
            daemon.hang_up()
            self.assertIn("workers: value many", daemon.log())
            self.assertIn("frobnicate: unknown key", daemon.log())
            self.talk(20)
            daemon.write_config(self.config("idle: poll\n", classes="{voip: CS5}"))
            answer = daemon.ctl("reload")
            # The daemon may have seen the new file before it is asked.
            self.assertIn(answer["outcome"], ("loaded", "unchanged"))
            self.assertEqual(answer["needs_restart"], ["idle"])
            up, _ = map(self.dscp, self.talk(300, window=8))
            self.assertEqual(up[-1], 40)
            self.assertEqual(daemon.stop()[0], 0)

    def test_starts_without_models_when_their_file_is_bad(self):
        os.unlink(self.model)
        with self.daemon() as daemon:
            up, _ = map(self.dscp, self.talk(50))
            self.assertEqual(set(up), {0})
            self.assertIn("m.onnx", daemon.ctl("status")["last_refusal"])
            rig.make_model(self.model, "voip", "streaming")
            rig.wait_for("the model", lambda: daemon.ctl("status")["models"])
            up, _ = map(self.dscp, self.talk(300, window=8))
            self.assertEqual(up[-1], EF)
            self.assertEqual(daemon.stop()[0], 0)


def need_namespaces():
    """Ends the script with 77 where they cannot be had."""
    if os.geteuid() != 0:
        rig.skip_all("needs root for network namespaces")
    rig.need_tools("ip", "ethtool", "ping", "sysctl")
    if rig.run("ip", "netns", "add", "fmprobe%d" % os.getpid()).returncode != 0:
        rig.skip_all("this machine does not give network namespaces")
    ip("netns", "del", "fmprobe%d" % os.getpid())


if __name__ == "__main__":
    need_namespaces()
    unittest.main()
