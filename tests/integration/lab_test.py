#!/usr/bin/env python3
"""The recording lab's plans, labels and sequences: what needs neither root nor a network."""

import bz2
import collections
import contextlib
import itertools
import os
import random
import select
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

try:
    import yaml
except ImportError:
    print("skipped: needs python3-yaml")
    sys.exit(77)

SOURCE = os.environ.get("FLOWMARK_SOURCE", os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
LAB = os.path.join(SOURCE, "tests", "lab")
sys.dont_write_bytecode = True
sys.path.insert(0, LAB)

from lab import check, options, output, packets  # noqa: E402
from lab.apps import APPLICATIONS  # noqa: E402
from lab.clients import cloud_events, gestures
from lab.plan import BACKGROUNDS, FAST, LONG, MIXED, MORE, MORE_CLASSES, RATE_CAPS_TUNNEL, plan  # noqa: E402
from lab.shows import fragments  # noqa: E402
from lab.techniques import TECHNIQUES  # noqa: E402

TUNNELS = [name for name in TECHNIQUES if name != "plain"]
VPNS = [name for name in TUNNELS if name != "tor"]


def frame(source, destination, payload, fragment=0):
    """(bytes of an Ethernet frame with a UDP packet, cut behind its header, its length on the wire)."""
    addresses = bytes(int(part) for end in (source, destination) for part in end[0].split("."))
    size = 28 + payload
    head = struct.pack(">BBHHHBBH", 0x45, 0, size, 1, fragment, 64, packets.UDP, 0) + addresses
    udp = struct.pack(">HHHH", source[1], destination[1], 8 + payload, 0)
    return bytes(12) + b"\x08\x00" + head + udp, 14 + size


CLIENT, SERVER = ("10.77.0.11", 40000), ("203.0.113.1", 1194)


def exchange(start_us, steps):
    """Packets of a conversation: (microseconds since the one before, payload, from the client)."""
    made, now = [], start_us
    for step, payload, upward in steps:
        now += step
        data, wire = frame(*((CLIENT, SERVER) if upward else (SERVER, CLIENT)), payload)
        made.append(packets.parse(now // 1_000_000, now % 1_000_000, data, wire))
    return made


class Plan(unittest.TestCase):
    def test_recordings_kept_in_the_repository_are_those_of_the_plan(self):
        with open(os.path.join(LAB, "data", "manifest.yaml"), encoding="utf-8") as file:
            kept = {entry["session"]: entry for entry in yaml.safe_load(file)["sessions"]}
        planned = {s.number: s.manifest() for split in ("train", "test") for name in TECHNIQUES
                   for kind in (0, MIXED, FAST, LONG, MORE) if name != "plain" or kind != MIXED
                   for s in plan(split, 1, None, name, kind)}
        for number, entry in kept.items():
            self.assertEqual(entry, planned[number])

    def test_no_two_sessions_have_the_same_number_or_name(self):
        kinds = [("plain", 0), ("plain", LONG), ("plain", FAST), ("plain", MORE)]
        kinds += [(name, kind) for name in VPNS for kind in (FAST, MORE)]
        kinds += [(name, kind) for name in TUNNELS for kind in (0, MIXED)]
        kinds += [(name, kind) for name in VPNS for kind in BACKGROUNDS]
        sessions = [s for name, kind in kinds for split in ("train", "test") for s in plan(split, 1, None, name, kind)]
        for key in ("number", "name"):
            seen = collections.Counter(getattr(s, key) for s in sessions)
            self.assertEqual([name for name, count in seen.items() if count > 1], [])

    def test_tunnels_carry_enough_full_minutes_of_each_class(self):
        for name in TUNNELS:
            minutes = collections.Counter()
            for split in ("train", "test"):
                for session in plan(split, 1, None, name):
                    minutes[session.label] += 2 * (session.seconds // 60)  # a picture for each direction
            expected = {"streaming", "browsing", "file-transfer", "chat", "p2p"}
            if name != "tor":
                expected |= {"voip", "video-call"}
            self.assertEqual(set(minutes), expected)
            self.assertGreaterEqual(min(minutes.values()), 150, name)

    def test_long_plain_sessions_last_as_long_as_a_tunnels_and_go_as_fast(self):
        for split in ("train", "test"):
            for label in set(APPLICATIONS) - set(MORE_CLASSES):
                long, tunnel = plan(split, 1, label, "plain", LONG), plan(split, 1, label, "wireguard")
                spans = [(min(s.seconds for s in one), max(s.seconds for s in one)) for one in (long, tunnel)]
                self.assertLess(abs(spans[0][0] - spans[1][0]) + abs(spans[0][1] - spans[1][1]), 6)
                if label in RATE_CAPS_TUNNEL:
                    low, high = RATE_CAPS_TUNNEL[label]
                    same = [s for s in long if low - 0.05 <= s.conditions.rate_mbit <= high + 0.05]
                    self.assertGreaterEqual(len(same), len(long) / 2)
                    self.assertGreater(max(s.conditions.rate_mbit for s in long), 1.5 * high)

    def test_on_fast_lines_films_have_rivals_over_the_same_protocols(self):
        for name, split in (("plain", "train"), ("plain", "test"), ("wireguard", "train")):
            sessions = plan(split, 1, None, name, FAST)
            self.assertEqual({s.label for s in sessions}, {"streaming", "browsing", "file-transfer", "p2p"})
            self.assertGreaterEqual(min(s.conditions.rate_mbit for s in sessions), 20)
            for protocol in ("http3", "http2"):
                over = {s.label for s in sessions if protocol in s.variant}
                self.assertLessEqual({"streaming", "browsing", "file-transfer"}, over, (name, split, protocol))

    def test_every_application_of_a_tunnel_meets_every_network_in_training(self):
        for session_label in ("voip", "streaming", "browsing"):
            met = {(s.variant, s.conditions.profile) for s in plan("train", 1, session_label, "wireguard")
                   if s.variant in APPLICATIONS[session_label].variants}
            self.assertEqual(len(met), 16)

    def test_what_came_later_has_numbers_behind_the_rest(self):
        for split in ("train", "test"):
            for kind, own in ((LONG, "long_later_variants"), (FAST, "fast_later_variants")):
                for label, application in APPLICATIONS.items():
                    sessions = plan(split, 1, label, "plain", kind)
                    numbers = [s.number for s in sessions]
                    self.assertEqual(numbers, list(range(numbers[0], numbers[0] + len(numbers))) if numbers else [])
                    self.assertLessEqual(len(numbers), 60)
                    if getattr(application, own):
                        self.assertIn(sessions[-1].variant, getattr(application, own))
            for name, kind in (("plain", 0), ("wireguard", MIXED), ("openvpn-udp", MIXED)):
                self.assertFalse([s.name for s in plan(split, 1, None, name, kind) if "video-call" in s.label])
        self.assertEqual({s.number for s in plan("demo", 1)}, {900, 920, 940, 960, 980, 1000, 1020, 1021})

    def test_video_calls_of_each_kind_meet_every_network(self):
        for name, kind in (("plain", LONG), ("wireguard", 0), ("openvpn-tcp", 0)):
            met = {(s.variant, s.conditions.profile) for s in plan("train", 1, "video-call", name, kind)}
            self.assertEqual(len(met), 16, name)

    def test_games_desktops_and_the_rest_are_a_series_of_their_own(self):
        for name in ("plain", *VPNS):
            for split, programs in (("train", 10), ("test", 6)):
                sessions = plan(split, 1, None, name, MORE)
                self.assertEqual({s.label for s in sessions}, set(MORE_CLASSES))
                for label in MORE_CLASSES:
                    own = [s for s in sessions if s.label == label]
                    variants = APPLICATIONS[label].variants
                    least = len(variants) if name == "plain" else min(len(variants), programs)
                    self.assertEqual(len({s.variant for s in own}), least, (name, split, label))
                    self.assertFalse([s.name for s in own if s.family == 6
                                      and s.variant in APPLICATIONS[label].ipv4_variants])
                    if name == "plain":
                        self.assertEqual(len({s.conditions.profile for s in own}), 4)
                        self.assertGreater(sum(s.family == 6 for s in own), 0, (split, label))
            for kind in (0,) if name == "plain" else (0, MIXED, FAST):
                labels = {part for s in plan("train", 1, None, name, kind) for part in s.label.split("+")}
                self.assertFalse(labels & set(MORE_CLASSES), (name, kind))

    def test_tor_has_no_udp(self):
        sessions = plan("train", 1, None, "tor") + plan("train", 1, None, "tor", MIXED)
        self.assertFalse([s.name for s in sessions
                          if "voip" in s.label or "video-call" in s.label or "transmission" in s.variant])
        self.assertEqual({s.family for s in sessions}, {4})

    def test_mixtures_have_two_to_four_classes_equally_often(self):
        for name in TUNNELS:
            sessions = plan("train", 1, None, name, MIXED)
            sets = [s.label.split("+") for s in sessions]
            counts = collections.Counter(map(len, sets))
            self.assertEqual(set(counts), {2, 3, 4})
            self.assertEqual(len(set(counts.values())), 1)
            self.assertTrue(all(len(set(labels)) == len(labels) for labels in sets))
            labels = collections.Counter(label for one in sets for label in one)
            self.assertLessEqual(max(labels.values()) - min(labels.values()), 3, name)
            for session, own in zip(sessions, sets):
                self.assertEqual(len(session.variant.split("+")), len(own))

    def test_same_seed_same_plan_and_fewer_sessions_are_a_part_of_it(self):
        whole = [s.manifest() for s in plan("test", 3, None, "ipsec", 300)]
        self.assertEqual(whole, [s.manifest() for s in plan("test", 3, None, "ipsec", 300)])
        for session in plan("test", 3, None, "ipsec", 300, most=2):
            self.assertIn(session.manifest(), whole)
        self.assertEqual({s.seconds for s in plan("test", 3, None, "ipsec", 300, most=1, seconds=20)}, {20})
        self.assertEqual({entry["background_pps"] for entry in whole}, {300})


class Bundle(unittest.TestCase):
    """A call's sound and pictures from one port (lab/clients/bundle.py)."""

    def test_pictures_are_spread_and_sound_is_not_held_up(self):
        kbit, count, size = 800, 60, 990
        with contextlib.ExitStack() as stack:
            own, sound, pictures, peer, source = (
                stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(5))
            for end in (own, sound, pictures, peer):
                end.bind(("127.0.0.1", 0))
            peer.settimeout(20)
            ports = [end.getsockname()[1] for end in (own, sound, pictures)]
            for end in (own, sound, pictures):
                end.close()
            process = subprocess.Popen(
                [sys.executable, "-m", "lab.clients.bundle", "127.0.0.1", str(ports[0]), "127.0.0.1",
                 str(peer.getsockname()[1]), str(ports[1]), str(ports[2]), str(kbit), "60"], cwd=LAB,
                env=dict(os.environ, PYTHONDONTWRITEBYTECODE="1"))
            stack.callback(process.wait)
            stack.callback(process.kill)
            ready, end = False, time.monotonic() + 20
            while not ready and time.monotonic() < end:  # until it listens: then sound comes through
                source.sendto(b"hello", ("127.0.0.1", ports[1]))
                ready = bool(select.select([peer], [], [], 0.05)[0])
            self.assertTrue(ready)
            for i in range(count):
                source.sendto(bytes([i]) * size, ("127.0.0.1", ports[2]))
            source.sendto(b"speech", ("127.0.0.1", ports[1]))
            got, first = [], None
            while sum(len(data) == size + 10 for data, _ in got) < count:
                got.append(peer.recvfrom(2048))
                first = first or time.monotonic()
            took = time.monotonic() - first
        self.assertEqual({sender[1] for _, sender in got}, {ports[0]})
        self.assertEqual([data[0] for data, _ in got if len(data) == size + 10], list(range(count)))
        place = [data[:6] for data, _ in got].index(b"speech")
        self.assertLess(place, len(got) - 1)
        self.assertGreater(took, 0.8 * count * size * 8 / (1000 * kbit))


class Gestures(unittest.TestCase):
    """What a person does at a screen (lab/clients/gestures.py)."""

    def events(self, gesture, *arguments, count=4000):
        return list(itertools.islice(getattr(gestures, gesture)(random.Random(3), *arguments), count))

    def test_every_key_and_button_is_let_go(self):
        for made in (self.events("play", ("w", "a"), ("space",)),
                     self.events("work", [[50, 60, 484, 264], [200, 100, 484, 264]], (800, 600))):
            held = collections.Counter()
            for wait, (kind, name, down) in made:
                self.assertGreaterEqual(wait, 0)
                if kind in ("key", "button"):
                    held[kind, name] += 1 if down else -1
                    self.assertIn(held[kind, name], (0, 1), (kind, name))
            self.assertLessEqual(sum(held.values()), 3)

    def test_the_pointer_stays_on_the_screen_and_windows_too(self):
        windows = [[50, 60, 484, 264]]
        places = [event[1:] for _, event in self.events("work", windows, (800, 600)) if event[0] == "move"]
        self.assertGreater(len(places), 100)
        self.assertTrue(all(0 <= x < 800 and 0 <= y < 600 for x, y in places))
        self.assertTrue(0 <= windows[0][0] <= 800 - 484 and 20 <= windows[0][1] <= 600 - 264)

    def test_someone_at_a_desktop_types_scrolls_drags_and_opens_menus(self):
        made = [event for _, event in self.events("work", [[50, 60, 484, 264]], (800, 600), count=20000)]
        self.assertLessEqual({("button", 1, True), ("button", 3, True), ("button", 4, True), ("button", 5, True),
                              ("key", "Return", True), ("key", "Escape", True)}, set(made))

    def test_events_survive_the_network(self):
        for event in (("key", "Return", True), ("key", "a", False), ("button", 3, True), ("move", 799, 20),
                      ("turn", -17, 4)):
            self.assertEqual(cloud_events.unpack(cloud_events.pack(70000, event)), event)


class Options(unittest.TestCase):
    def refused(self, *arguments):
        with self.assertRaises(SystemExit) as stop, open(os.devnull, "w", encoding="utf-8") as nowhere:
            sys.stderr, kept = nowhere, sys.stderr
            try:
                options.parse(arguments)
            finally:
                sys.stderr = kept
        self.assertEqual(stop.exception.code, 2)

    def test_what_cannot_be_recorded_is_refused(self):
        self.refused("--split", "demo", "--technique", "tor")
        self.refused("--split", "train", "--mixed")
        self.refused("--split", "train", "--background", "300")
        self.refused("--split", "train", "--background", "300", "--technique", "tor")
        self.refused("--split", "train", "--background", "77", "--technique", "ipsec")
        self.refused("--split", "train", "--technique", "ipsec", "--install", "--only", "chat")
        self.refused("--split", "train", "--sessions", "0")
        self.refused("--split", "train", "--technique", "ipsec", "--long")
        self.refused("--split", "train", "--technique", "tor", "--fast")
        self.refused("--split", "train", "--technique", "ipsec", "--fast", "--mixed")
        self.refused("--split", "demo", "--fast")
        self.refused("--split", "demo", "--more")
        self.refused("--split", "train", "--technique", "tor", "--more")
        self.refused("--split", "train", "--more", "--fast")
        self.refused("--split", "train", "--only", "gaming")
        self.refused("--split", "train", "--install", "--no-sequences")
        self.refused("--split", "train", "--seconds", "600")
        self.refused("--split", "train", "--jobs", "25")

    def test_a_mixture_is_a_series_of_its_own(self):
        self.assertEqual(options.parse(["--split", "test", "--technique", "tor", "--mixed"]).series, "tor-mixed")
        self.assertEqual(options.parse(["--split", "test"]).series, "plain")
        self.assertEqual(options.parse(["--split", "test", "--fast"]).series, "plain-fast")
        self.assertEqual(options.parse(["--split", "test", "--long"]).series, "plain-long")
        self.assertEqual(options.parse(["--split", "test", "--more"]).series, "plain-more")
        self.assertEqual(options.parse(["--split", "test", "--more", "--technique", "wireguard"]).series,
                         "wireguard-more")


class Recordings(unittest.TestCase):
    """Captures cut to headers, their sequences and manifest, written and read back."""

    def setUp(self):
        self._folder = tempfile.TemporaryDirectory()
        self.addCleanup(self._folder.cleanup)
        self.out = self._folder.name
        os.makedirs(os.path.join(self.out, "test"))

    def record(self, session, steps):
        session.addresses = (CLIENT[0], "fd77::11")
        made = exchange(1_700_000_000_000_000, steps)
        packets.write(output.capture_path(self.out, session), made)
        output.write_entry(self.out, session)
        return made

    def test_each_series_has_its_file_and_each_session_its_entry(self):
        steps = [(0, 100, True), (1500, 1200, False), (20, 60, True)]
        sessions = [plan("test", 1, "chat", "wireguard")[0], plan("test", 1, None, "wireguard", MIXED)[0],
                    plan("test", 1, "chat", "ipsec", 300)[0], plan("test", 1, "chat")[0],
                    plan("test", 1, "p2p", "plain", FAST)[0], plan("test", 1, "chat", "plain", LONG)[0],
                    plan("test", 1, "gaming", "plain", MORE)[0], plan("test", 1, "other", "wireguard", MORE)[0]]
        for session in sessions:
            self.record(session, steps)
        names = ["test-wireguard.csv.bz2", "test-wireguard-mixed.csv.bz2", "test-ipsec-background300.csv.bz2",
                 "test.csv.bz2", "test-plain-fast.csv.bz2", "test-plain-long.csv.bz2", "test-plain-more.csv.bz2",
                 "test-wireguard-more.csv.bz2"]
        for session, name in zip(sessions, names):
            output.collect(self.out, "test", session.series)
            (number, label, start, flow), = packets.read_sequences(os.path.join(self.out, name))
            self.assertEqual((number, label), (session.number * output.FLOWS_PER_SESSION, session.label))
            self.assertEqual(start, 1_700_000_000_000_000)
            self.assertEqual([(time - start, size) for time, size in flow], [(0, 128), (1500, -1228), (1520, 88)])
            with bz2.open(os.path.join(self.out, name), "rt") as file:
                known = dict(part.split("=") for part in file.readline().rstrip().split(",")[3:])
            self.assertEqual(known, {
                "application": session.variant, "technique": session.technique, "session": str(session.number),
                "network": session.conditions.profile, "split": "test",
                **({"background": "300"} if session.background else {}),
                **({"kind": session.kind} if session.kind else {}),
                **({"transport": "udp"} if session.kind == MORE else {})})
        with open(os.path.join(self.out, "manifest.yaml"), encoding="utf-8") as file:
            entries = {entry["session"]: entry for entry in yaml.safe_load(file)["sessions"]}
        self.assertEqual(entries, {s.number: s.manifest() for s in sessions})
        self.assertEqual([s.number for s in sessions if "background_pps" in entries[s.number]], [sessions[2].number])

    def test_the_repository_keeps_the_entries_of_what_it_keeps(self):
        kept, other = plan("test", 1, "chat", "wireguard")[0], plan("test", 1, "chat", "ipsec", 300)[0]
        with tempfile.TemporaryDirectory() as repository:
            for session in (kept, other):
                self.record(session, [(0, 100, True), (1500, 1200, False)])
                output.collect(self.out, "test", session.series)
            output.install(self.out, "test", kept.series, repository)
            self.assertEqual(sorted(os.listdir(os.path.join(repository, "data"))),
                             ["manifest.yaml", "test-wireguard.csv.bz2"])
            with open(os.path.join(repository, "data", "manifest.yaml"), encoding="utf-8") as file:
                self.assertEqual(yaml.safe_load(file)["sessions"], [kept.manifest()])

    def test_what_is_installed_from_other_recordings_stays(self):
        first, second = plan("test", 1, "chat", "wireguard")[0], plan("test", 1, "gaming", "plain", MORE)[0]
        with tempfile.TemporaryDirectory() as repository:
            for session in (first, second):
                self.record(session, [(0, 100, True), (1500, 1200, False)])
                output.collect(self.out, "test", session.series)
                output.install(self.out, "test", session.series, repository)
                output.forget(self.out, "test")
            with open(os.path.join(repository, "data", "manifest.yaml"), encoding="utf-8") as file:
                self.assertEqual(yaml.safe_load(file)["sessions"], [first.manifest(), second.manifest()])

    def test_of_games_and_desktops_the_first_packets_are_kept_of_all_flows_together(self):
        session = plan("test", 1, "remote-desktop", "plain", MORE)[0]
        self.record(session, [(7, 900, i % 9 == 0) for i in range(output.MORE_PACKETS + 5)])
        output.collect(self.out, "test", session.series)
        (_, _, _, flow), = packets.read_sequences(os.path.join(self.out, "test-plain-more.csv.bz2"))
        self.assertEqual(len(flow), output.MORE_PACKETS)

    def test_of_a_session_on_a_fast_line_the_first_packets_are_kept(self):
        swarm = plan("test", 1, "p2p", "plain", FAST)[0]
        album = next(one for one in plan("test", 1, "browsing", "plain", FAST) if one.variant.startswith("album"))
        kept = {swarm.number: output.FAST_PACKETS, album.number: output.ALBUM_PACKETS}
        made = {session.number: self.record(session, [(i % 7, 40, i % 3 == 0) for i in range(output.FAST_PACKETS + 5)])
                for session in (swarm, album)}
        output.collect(self.out, "test", swarm.series)
        flows = list(packets.read_sequences(os.path.join(self.out, "test-plain-fast.csv.bz2")))
        self.assertEqual(len(flows), 2)
        for number, _, start, flow in flows:
            session = number // output.FLOWS_PER_SESSION
            self.assertEqual([time_us for time_us, _ in flow],
                             [packet.time_us for packet in made[session][:kept[session]]])
            self.assertEqual(start, made[session][0].time_us)

    def test_gaps_are_rounded_by_little_and_sizes_not(self):
        dice = random.Random(5)
        steps = [(int(10 ** dice.uniform(0, 7.2)), dice.randint(20, 1400), dice.random() < 0.3) for _ in range(3000)]
        session = plan("test", 1, "chat", "wireguard")[0]
        made = self.record(session, steps)
        output.collect(self.out, "test", session.series)
        (_, _, _, flow), = packets.read_sequences(os.path.join(self.out, "test-wireguard.csv.bz2"))
        self.assertEqual([abs(size) for _, size in flow], [packet.size for packet in made])
        self.assertEqual(flow[0][0], made[0].time_us)
        for i in range(1, len(made)):
            gap = made[i].time_us - made[i - 1].time_us
            self.assertLessEqual(abs(flow[i][0] - flow[i - 1][0] - gap), packets.MOST_ROUNDED * gap)
        whole = made[-1].time_us - made[0].time_us
        self.assertLess(abs(flow[-1][0] - made[-1].time_us), 0.01 * whole)
        self.assertTrue(all(packets.rounded(gap) == gap for gap in range(20)))

    def test_fragments_of_a_film_are_found_and_a_cut_film_is_refused(self):
        box = lambda kind, size: struct.pack(">I4s", 8 + size, kind) + bytes(size)  # noqa: E731
        path = os.path.join(self.out, "film.mp4")
        whole = box(b"ftyp", 12) + box(b"moov", 90) + box(b"moof", 30) + box(b"mdat", 500)
        whole += box(b"moof", 30) + box(b"mdat", 70)
        with open(path, "wb") as file:
            file.write(whole)
        self.assertEqual(fragments(path), [[118, 38 + 508], [118 + 546, 38 + 78]])
        with open(path, "wb") as file:
            file.write(whole[:-5])
        with self.assertRaises(RuntimeError):
            fragments(path)

    def test_a_session_is_recorded_once_and_again_where_it_changed(self):
        session = plan("test", 1, "chat", "wireguard")[0]
        self.assertFalse(output.is_recorded(self.out, session))
        self.record(session, [(0, 10, True)])
        self.assertTrue(output.is_recorded(self.out, plan("test", 1, "chat", "wireguard")[0]))
        self.assertFalse(output.is_recorded(self.out, plan("test", 1, "chat", "wireguard", seconds=20)[0]))

    def test_captures_keep_headers_and_lengths_only(self):
        made = self.record(plan("test", 1, "chat", "ipsec")[0], [(0, 500, True), (7, 900, False)])
        path = output.capture_path(self.out, plan("test", 1, "chat", "ipsec")[0])
        self.assertEqual([(len(data), wire) for _, _, data, wire in packets.records(path)], [(42, 542), (42, 942)])
        self.assertEqual(list(packets.packets(path)), made)

    def test_fragments_are_told_from_whole_packets(self):
        for fragment, cut in ((0, False), (0x4000, False), (0x2000, True), (0x0010, True)):
            data, wire = frame(CLIENT, SERVER, 100, fragment)
            self.assertEqual(packets.is_fragment(data), cut, hex(fragment))
            self.assertEqual(packets.parse(0, 0, data, wire) is None, cut)

    def test_bounds_of_a_mixture_hold_its_parts(self):
        entry = plan("test", 1, None, "wireguard", MIXED)[2].manifest()
        parts = [check._looks(dict(entry, label=label)) for label in entry["label"].split("+")]
        rates, means = check._looks(entry)
        self.assertGreaterEqual(rates[1], max(part[0][1] for part in parts))
        self.assertEqual(means[0], min(part[1][0] for part in parts))


if __name__ == "__main__":
    unittest.main()
