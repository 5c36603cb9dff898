#!/usr/bin/env python3
"""flowmark replay: the same verdicts each time, every packet accounted for, marks in the copy."""

import glob
import json
import os
import struct
import unittest

import rig
from vdev_test import EF, conversations


class ReplayTest(rig.FolderTest):
    def setUp(self):
        super().setUp()
        rig.make_model(self.path("m.onnx"), "voip", "streaming")
        with open(self.path("c.yaml"), "w") as file:
            file.write("mode: replay\ninside: [10.0.0.0/8, '2001:db8::/127']\n"
                       "models: [{name: category, path: m.onnx}]\n")

    def replay(self, capture, *more):
        return rig.run(rig.tool("flowmark"), "replay", "--config", self.path("c.yaml"), capture,
                       "--verdicts", self.path("v.jsonl"), "--json", *more)

    def lines(self):
        with open(self.path("v.jsonl")) as file:
            return [json.loads(line) for line in file]

    def test_verdicts_and_marked_copy(self):
        packets = conversations(6, 200)
        rig.write_pcap(self.path("in.pcap"), packets)
        result = self.replay(self.path("in.pcap"), "--write-marked", self.path("out.pcap"))
        self.assertEqual(result.returncode, 0, result.stderr)
        summary = json.loads(result.stdout)
        self.assertEqual(summary["received"], len(packets))
        self.assertEqual(summary["forwarded"], len(packets))
        self.assertEqual(summary["unclassified_by_reason"]["not_ip"], 20)

        verdicts = self.lines()
        self.assertEqual({v["class"] for v in verdicts}, {"voip"})
        self.assertEqual({v["model"] for v in verdicts}, {"category"})
        finals = [v for v in verdicts if v["final"]]
        self.assertEqual(len(finals), 6)
        for verdict in finals:
            self.assertEqual(verdict["packets"], 200)
            self.assertEqual(verdict["mark"], "EF")
            self.assertFalse(verdict["provisional"])
            self.assertTrue(verdict["flow"].startswith(("udp 10.", "udp [2001", "udp 2001")))

        out = rig.read_pcap(self.path("out.pcap"))
        self.assertEqual([t for t, _ in out], [t for t, _ in packets])
        self.assertEqual([rig.without_mark(f) for _, f in out],
                         [rig.without_mark(f) for _, f in packets])
        self.assertEqual({rig.dscp_of(f) for _, f in out[-20:]}, {EF})

    def test_policies_decide_before_models(self):
        """Flows of 10.0.0.1 and so on: each is under another policy; the last one is under none."""
        with open(self.path("c.yaml"), "a") as file:
            file.write("policies:\n"
                       "  - {hosts: 10.0.0.1, classify: false}\n"
                       "  - {inside: 10.0.0.2, mark: false}\n"
                       "  - {outside_ports: 5000-5003, class: streaming}\n"
                       "  - {ports: 5004, direction: outbound, confidence: 1}\n")
        ports = {1: 5004, 2: 5004, 3: 5003, 4: 5004, 5: 5005}
        packets = [(10**15 + i * 20_000, rig.ipv4_udp(f"10.0.0.{host}", "192.0.2.1", 40000, port, 200))
                   for i in range(50) for host, port in ports.items()]
        rig.write_pcap(self.path("in.pcap"), packets)
        result = self.replay(self.path("in.pcap"), "--write-marked", self.path("out.pcap"))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(json.loads(result.stdout)["unclassified_by_reason"], {"policy": 100})
        last, first = {}, {}
        for _, frame in rig.read_pcap(self.path("out.pcap")):
            first.setdefault(frame[29], rig.dscp_of(frame))
            last[frame[29]] = rig.dscp_of(frame)
        self.assertEqual(last, {1: 0, 2: 0, 3: 26, 4: 0, 5: EF})
        self.assertEqual(first, {1: 0, 2: 0, 3: 26, 4: 0, 5: 0}, "a fixed class marks at once")
        finals = {v["flow"].split()[1]: (v["class"], v["mark"]) for v in self.lines() if v["final"]}
        self.assertEqual(finals, {"10.0.0.2:40000": ("voip", None), "10.0.0.4:40000": (None, None),
                                  "10.0.0.5:40000": ("voip", "EF")})

    def test_a_merged_capture_keeps_all_but_the_marks(self):
        """Interfaces of two link types and snap lengths; IPv4 checksums that nobody computed."""
        blocks, frames = [rig.pcapng_header((1, 65535), (101, 262144), (127, 0))], []
        for i, (time_us, frame) in enumerate(conversations(3, 300)):
            if frame[12:14] == b"\x08\x00" and i % 4 == 0:
                frame = frame[:24] + b"\0\0" + frame[26:]
            raw = i % 2 and frame[12:14] != b"\x08\x06"
            blocks.append(rig.pcapng_packet(raw, time_us + 2**51, frame[14:] if raw else frame))
            frames.append((raw, frame))
        blocks.append(rig.pcapng_block(5, bytes(12)))
        with open(self.path("in.pcapng"), "wb") as file:
            file.write(b"".join(blocks))
        result = self.replay(self.path("in.pcapng"), "--write-marked", self.path("out.pcapng"))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(json.loads(result.stdout)["received"], len(frames))
        with open(self.path("out.pcapng"), "rb") as file:
            out = file.read()
        self.assertEqual(len(out), sum(map(len, blocks)))
        self.assertTrue(out.startswith(blocks[0]) and out.endswith(blocks[-1]))
        at, marked = len(blocks[0]), 0
        for block, (raw, frame) in zip(blocks[1:], frames):
            got = out[at:at + len(block)]
            at += len(block)
            size = len(frame) - 14 if raw else len(frame)
            self.assertEqual((got[:28], got[28 + size:]), (block[:28], block[28 + size:]))
            there = frame[:14] * bool(raw) + got[28:28 + size]
            self.assertEqual(rig.without_mark(there), rig.without_mark(frame))
            if rig.dscp_of(there) == EF and there[12:14] == b"\x08\x00":
                marked += 1
                self.assertEqual(rig.checksum(there[14:34]), 0)
        self.assertGreater(marked, 200)

    def test_a_capture_whose_snap_length_is_too_short_fails(self):
        frames = [frame for _, frame in conversations(3, 20) if frame[12:14] == b"\x08\x00"]
        with open(self.path("in.pcap"), "wb") as file:
            file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 40, 1))
            for i, frame in enumerate(frames):
                file.write(struct.pack("<IIII", i, 0, 40, len(frame)) + frame[:40])
        result = self.replay(self.path("in.pcap"))
        self.assertEqual(result.returncode, 1)
        self.assertIn(f"{len(frames)} of {len(frames)} packets", result.stderr)
        self.assertIn("snap length of 40 bytes", result.stderr)
        with open(self.path("in.pcap"), "ab") as file:
            file.write(struct.pack("<IIII", 99, 0, len(frames[0]), len(frames[0])) + frames[0])
        result = self.replay(self.path("in.pcap"))
        self.assertEqual(result.returncode, 0)
        self.assertIn(f"warning: {self.path('in.pcap')}: {len(frames)} of {len(frames) + 1} packets",
                      result.stderr)

    def test_pings_floods_and_fast_streams_leave_without_a_live_mark(self):
        """Though the model calls everything voice; a call beside them has its mark."""
        def stream(port, length, interval_us, seconds, protocol=17):
            frame = rig.ipv4_udp("10.0.0.%d" % port, "192.0.2.1", port, 5004, length)
            ip = frame[14:23] + bytes([protocol]) + b"\0\0" + frame[26:34]
            ip = ip[:10] + struct.pack("!H", rig.checksum(ip)) + ip[12:]
            return [(10**15 + at, frame[:14] + ip + frame[34:])
                    for at in range(0, int(seconds * 10**6), interval_us)]

        streams = {"call": stream(1, 200, 20_000, 20),
                   "ping": stream(2, 84, 20_000, 20, protocol=1),
                   "110,000 packets a second": stream(3, 46, 9, 0.4),
                   "50 Mbit/s": stream(4, 1236, 200, 2),
                   "400 Mbit/s": stream(5, 1236, 25, 0.4)}
        packets = sorted((packet for each in streams.values() for packet in each),
                         key=lambda packet: packet[0])
        rig.write_pcap(self.path("in.pcap"), packets)
        result = self.replay(self.path("in.pcap"), "--write-marked", self.path("out.pcap"))
        self.assertEqual(result.returncode, 0, result.stderr)
        marked = dict.fromkeys(range(1, 6), 0)
        for _, frame in rig.read_pcap(self.path("out.pcap")):
            marked[frame[29]] += rig.dscp_of(frame) == EF
        self.assertGreater(marked.pop(1), 900)
        self.assertEqual(set(marked.values()), {0}, dict(zip(list(streams)[1:], marked.values())))
        demoted = json.loads(result.stdout)["demoted_by_reason"]
        self.assertEqual(set(demoted), {"icmp", "flow_rate"})

    def test_is_deterministic(self):
        rig.write_pcap(self.path("in.pcap"), conversations(20, 300))
        logs = []
        for _ in range(2):
            self.assertEqual(self.replay(self.path("in.pcap")).returncode, 0)
            with open(self.path("v.jsonl"), "rb") as file:
                logs.append(file.read())
        self.assertGreater(len(logs[0]), 1000)
        self.assertEqual(logs[0], logs[1])

    def test_a_cut_off_capture_is_processed_to_the_cut_and_fails(self):
        packets = conversations(3, 100)
        rig.write_pcap(self.path("in.pcap"), packets)
        os.truncate(self.path("in.pcap"), os.path.getsize(self.path("in.pcap")) - 10)
        result = self.replay(self.path("in.pcap"), "--write-marked", self.path("out.pcap"))
        self.assertEqual(result.returncode, 1)
        self.assertIn("in.pcap", result.stderr)
        self.assertEqual(os.path.getsize(self.path("out.pcap")),
                         os.path.getsize(self.path("in.pcap")), "the copy is cut off likewise")
        self.assertEqual(json.loads(result.stdout)["received"], len(packets) - 1)
        self.assertEqual(len([v for v in self.lines() if v["final"]]), 3)

    def test_model_option_replaces_the_configured_models(self):
        rig.make_model(self.path("other.onnx"), "streaming", "voip")
        rig.write_pcap(self.path("in.pcap"), conversations(3, 100))
        result = self.replay(self.path("in.pcap"), "--model", self.path("other.onnx"))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual({(v["model"], v["class"]) for v in self.lines()}, {("other", "streaming")})

    def test_wrong_use_ends_with_2_and_failures_with_1(self):
        rig.write_pcap(self.path("in.pcap"), [])
        self.assertEqual(self.replay(self.path("in.pcap")).returncode, 0)
        self.assertEqual(self.replay(self.path("missing.pcap")).returncode, 1)
        with open(self.path("c.yaml"), "w") as file:
            file.write("mode: replay\nworkers: 0\nmodel: x\n")
        result = self.replay(self.path("in.pcap"))
        self.assertEqual(result.returncode, 2)
        self.assertIn("c.yaml:2: workers", result.stderr)
        self.assertIn('c.yaml:3: model: unknown key: did you mean "models"?', result.stderr)
        self.assertEqual(rig.run(rig.tool("flowmark"), "replay").returncode, 2)

    def test_the_shipped_model_and_configuration(self):
        """Every packet carries the mark of the verdict that stood when it passed."""
        config = os.path.join(rig.SOURCE, "config")
        if not os.path.exists(os.path.join(config, "models/category.onnx")):
            self.skipTest("config/models/category.onnx is not there")
        capture = os.path.join(config, "demo/demo.pcap.gz")
        result = rig.run(rig.tool("flowmark"), "replay", "--config",
                         os.path.join(config, "replay.yaml"), capture, "--verdicts",
                         self.path("v.jsonl"), "--write-marked", self.path("out.pcap.gz"), "--json")
        self.assertEqual(result.returncode, 0, result.stderr)
        summary = json.loads(result.stdout)
        self.assertEqual(summary["received"], summary["forwarded"])
        verdicts = self.lines()
        self.assertGreater(len([v for v in verdicts if v["final"]]), 3)
        marks = {"voip": "EF", "video-call": "AF41", "streaming": "AF31", "chat": "AF21",
                 "browsing": "DF", "file-transfer": "AF11", "p2p": "LE"}
        for verdict in verdicts:
            if verdict["class"] is not None:
                self.assertEqual(verdict["mark"], marks[verdict["class"]], verdict)
        self.assertTrue(set(summary["marked_by_dscp"]) <= set(marks.values()))
        self.assertGreater(summary["marked"], 0)

    def test_all_shipped_models_run_side_by_side(self):
        folder = os.path.join(rig.SOURCE, "config/models")
        names = sorted(name for name in os.listdir(folder) if name.endswith(".onnx"))
        self.assertEqual(names, ["category.onnx", "content.onnx", "technique.onnx"])
        with open(self.path("all.yaml"), "w") as file:
            file.write("mode: replay\ninside: [10.0.0.0/8]\nrequire_golden: true\nmodels:\n")
            for name in names:
                file.write("  - {name: %s, path: %s}\n" % (name[:-5], os.path.join(folder, name)))
        result = rig.run(rig.tool("flowmark"), "replay", "--config", self.path("all.yaml"),
                         os.path.join(rig.SOURCE, "config/demo/demo.pcap.gz"), "--verdicts",
                         self.path("v.jsonl"))
        self.assertEqual(result.returncode, 0, result.stderr)
        said = {(v["model"], v["class"]) for v in self.lines() if v["final"]}
        self.assertIn(("technique", "plain"), said)
        self.assertIn(("category", "voip"), said)
        self.assertIn(("content", "voip"), said)

    def test_outside_captures_are_accounted_for(self):
        folder = os.environ.get("FLOWMARK_PCAPS", "")
        captures = sorted(glob.glob(os.path.join(folder, "*cap*"))) if folder else []
        if not captures:
            self.skipTest("FLOWMARK_PCAPS names no folder with captures")
        for capture in captures:
            with self.subTest(capture=os.path.basename(capture)):
                result = self.replay(capture, "--write-marked", self.path("out"))
                self.assertIn(result.returncode, (0, 1), result.stderr)
                summary = json.loads(result.stdout)
                self.assertEqual(summary["received"], summary["forwarded"])


if __name__ == "__main__":
    unittest.main()
