#!/usr/bin/env python3
"""The stream of verdicts of a real daemon: a socket's readers, a file, what slow readers lose."""

import collections
import json
import os
import signal
import socket
import unittest

import rig

EF = 46


class Reader:
    """Reads the stream's lines when asked for them."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(rig.PATIENCE_S)
        self.sock.connect(path)
        self.text = b""

    def line(self):
        """The next line; None when the daemon has ended the connection."""
        while b"\n" not in self.text:
            data = self.sock.recv(65536)
            if not data:
                return None
            self.text += data
        line, self.text = self.text.split(b"\n", 1)
        return json.loads(line)

    def until(self, wanted):
        """All lines up to the first for which wanted(line)."""
        lines = []
        while True:
            line = self.line()
            if line is None:
                raise AssertionError("the stream has ended after %r" % lines[-3:])
            lines.append(line)
            if wanted(line):
                return lines

    def rest(self):
        return list(iter(self.line, None))

    def close(self):
        self.sock.close()


def of_type(lines, name):
    return [line for line in lines if line["type"] == name]


def call(number, start_us, packets, step_us=20_000, length=200):
    """A conversation of its own, both ways in turn, begun by the LAN side."""
    ends = [("10.0.0.%d" % number, 40000 + number), ("192.0.2.1", 5004)]
    out = []
    for i in range(packets):
        (source, sport), (destination, dport) = ends if i % 2 == 0 else ends[::-1]
        out.append((start_us + i * step_us, rig.ipv4_udp(source, destination, sport, dport, length)))
    return out


class StreamTest(rig.FolderTest):
    MODELS = "models: [{name: category, path: m.onnx}]\n"
    START_US = 1_700_000_000_000_000

    def config(self, packets, stream):
        rig.write_pcap(self.path("in.pcap"), packets)
        rig.write_pcap(self.path("empty.pcap"), [])
        rig.make_model(self.path("m.onnx"), "voip", "streaming")
        return self.base_config() + (
            "metrics: {listen: '127.0.0.1:%d'}\n"
            "ports:\n"
            "  - {name: 'net_pcap0,rx_pcap=%s,tx_pcap=%s', role: lan}\n"
            "  - {name: 'net_pcap1,rx_pcap=%s,tx_pcap=%s', role: wan}\n"
            % (self.port, self.path("in.pcap"), self.path("back.pcap"), self.path("empty.pcap"),
               self.path("out.pcap"))) + self.MODELS + rig.ASKS_AFTER_EVERY_BURST + (
                "host_groups: {calls: [10.0.0.0/24]}\n"
                "verdict_stream: {%s}\n" % stream)

    def setUp(self):
        super().setUp()
        self.port = rig.free_port()

    def wait_for_packets(self, count):
        done = 'flowmark_packets_total{port="net_pcap1",direction="tx"} %d\n' % count
        rig.wait_for("all packets to pass", lambda: done in rig.scrape(self.port))

    def test_a_reader_is_told_of_flows_their_admission_and_their_end(self):
        packets = call(1, self.START_US, 200) + call(2, self.START_US + 7_000, 200)
        config = self.config(sorted(packets, key=lambda packet: packet[0]), "socket: v.sock")
        with rig.Daemon(self.folder, config) as daemon:
            self.wait_for_packets(len(packets))
            reader = Reader(self.path("v.sock"))
            snapshot = reader.until(lambda line: line["type"] == "live")
            self.assertEqual(snapshot[0]["type"], "hello")
            self.assertEqual(snapshot[0]["mode"], "inline")
            self.assertEqual(snapshot[-1]["flows"], 2)
            for line in snapshot[1:-1]:
                self.assertTrue(line["snapshot"])
                self.assertEqual(line["class"], "voip")
                self.assertEqual((line["mark"], line["dscp"]), ("EF", EF))
                self.assertEqual(line["direction"], "lan-to-wan")
                self.assertEqual(line["flow"]["destination"], "192.0.2.1")
                self.assertEqual(line["model"], "category")
                self.assertEqual(line["admission"], "admitted")
                self.assertEqual(len(line["model_hash"]), 16)
            cells = daemon.ctl("marks")["ports"][0]["packets"]
            self.assertEqual({(cell["received"], cell["sent"]) for cell in cells},
                             {("DF", "DF"), ("DF", "EF")})
            self.assertEqual(sum(cell["packets"] for cell in cells), len(packets))
            table = rig.run(rig.tool("flowmark"), "ctl", "--socket", self.path("ctl.sock"), "marks")
            self.assertIn("received at net_pcap0", table.stdout)
            hosts = daemon.ctl("hosts", "--class", "voip")["hosts"]
            self.assertEqual({host["host"] for host in hosts}, {"10.0.0.1", "10.0.0.2"})
            self.assertEqual({host["group"] for host in hosts}, {"calls"})
            self.assertIn('flowmark_group_class_bytes_total{group="calls",model="category",'
                          'class="voip"}', rig.scrape(self.port))
            table = rig.run(rig.tool("flowmark"), "ctl", "--socket", self.path("ctl.sock"), "hosts")
            self.assertIn("10.0.0.2", table.stdout)
            status, summary = daemon.stop()
            self.assertEqual(status, 0, daemon.log() + summary)
            ends = of_type(reader.rest(), "end")
            reader.close()
        self.assertEqual({line["reason"] for line in ends}, {"stopped"})
        self.assertEqual(sorted(line["flow"]["source"] for line in ends), ["10.0.0.1", "10.0.0.2"])
        for line in ends:
            self.assertEqual(line["packets"], [100, 100])
            self.assertEqual(line["bytes"], [20_000, 20_000])
        self.assertFalse(os.path.exists(self.path("v.sock")))

    def test_a_file_has_every_change_and_goes_on_after_it_was_moved(self):
        packets = call(1, self.START_US, 200)
        config = self.config(packets, "file: v.jsonl")
        with rig.Daemon(self.folder, config) as daemon:
            self.wait_for_packets(len(packets))
            rig.wait_for("an admitted mark", lambda: '"dscp":46' in self.read("v.jsonl"))
            os.rename(self.path("v.jsonl"), self.path("old.jsonl"))
            daemon.process.send_signal(signal.SIGUSR1)
            rig.wait_for("a new file", lambda: os.path.exists(self.path("v.jsonl")) and
                         '"type":"live"' in self.read("v.jsonl"))
            self.assertEqual(daemon.stop()[0], 0, daemon.log())
        old = [json.loads(line) for line in self.read("old.jsonl").splitlines()]
        self.assertEqual([line["type"] for line in old[:2]], ["hello", "live"])
        admissions = [line["admission"] for line in of_type(old, "mark")]
        self.assertEqual(admissions, ["measuring", "admitted"])
        self.assertEqual([line["dscp"] for line in of_type(old, "mark")], [None, EF])
        new = [json.loads(line) for line in self.read("v.jsonl").splitlines()]
        self.assertEqual([line["type"] for line in new], ["hello", "mark", "live", "end"])

    def read(self, name):
        with open(self.path(name)) as file:
            return file.read()

    def test_readers_that_never_read_or_come_and_go_hold_nobody(self):
        packets = []
        for number in range(1, 201):
            for round_ in range(10):
                packets += call(number, self.START_US + round_ * 1_000_000 + number, 20)
        packets.sort(key=lambda packet: packet[0])
        config = self.config(packets, "socket: v.sock, buffer_kib: 16")
        with rig.Daemon(self.folder, config) as daemon:
            idle = Reader(self.path("v.sock"))
            for _ in range(50):
                passing = Reader(self.path("v.sock"))
                self.assertEqual(passing.line()["type"], "hello")
                passing.sock.sendall(b"not a word of this is read\n")
                passing.close()
            self.wait_for_packets(len(packets))
            readers = lambda: "flowmark_stream_readers 1\n" in rig.scrape(self.port)
            rig.wait_for("the passing readers to be let go", readers)
            late = Reader(self.path("v.sock"))
            snapshot = late.until(lambda line: line["type"] == "live")
            self.assertEqual(len({json.dumps(line["flow"]) for line in snapshot[1:-1]}), 200)
            status, summary = daemon.stop()
            self.assertEqual(status, 0, daemon.log() + summary)
            lines = idle.rest()
            told = collections.Counter(line["type"] for line in lines)
            self.assertEqual(told["hello"], 1)
            self.assertEqual(rig.summary_count(summary, "forwarded"), len(packets))
            idle.close()
            late.close()


if __name__ == "__main__":
    unittest.main()
