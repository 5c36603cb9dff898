"""Records the sessions of a split. Started by record.sh; README.md tells how."""

import fcntl
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback

import yaml

from . import output, packets, servers
from .apps import APPLICATIONS, application as make_application
from .apps.base import LAB_FOLDER, PYTHON, say
from .apps.mixture import SEPARATOR
from .content import Content
from .network import Network, client_addresses, server_address
from .options import parse
from .plan import FAST, SECONDS_FAST, plan
from .process import NAMESPACE_PREFIX, Processes, remove_namespace
from .servers import SSH
from .techniques import TECHNIQUES
from .techniques.tor import Tor, TorNetwork

FIRST_CLIENT = 10  # client of slot N has the addresses number FIRST_CLIENT + N
CAPTURE_BYTES = 128  # Ethernet, IPv6, TCP with all its options
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LEAST_PACKETS = {"chat": 40, "other": 40, "gaming": 1000, "remote-desktop": 300}
LEAST_PACKETS_ELSE = 200
LEAST_PACKETS_FAST = 1500  # fewer is a film or a transfer that got stuck at its start
BACKGROUND_PORT = 47000
START_GAP = 3  # seconds between the first sessions: starts and ends are what costs time of the CPU


class Lab:
    """A run: the network, the servers, and what the sessions need of them."""

    def __init__(self, options):
        self.options = options
        self.folder = os.path.join(options.cache, "run")
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        self.processes = Processes(os.path.join(self.folder, "log"))
        self.content = Content(options.cache, options.split, options.seed)
        self.network = Network(self.processes, os.path.join(options.cache, "wan_relay"), options.seed)
        self.owners = [self.processes]
        self.tor = None  # the run's TorNetwork, where a session needs it
        self.certificates = None  # folder of server.pem and server.key

    def up(self, labels, techniques):
        shared = any(not APPLICATIONS[label].own_servers for label in labels)
        if shared:
            say("making the content (once for each split)")
            self.content.make()
        say("starting network and servers")
        self.network.up()
        self.certificates = servers.certificates(os.path.join(self.options.cache, "certificates"))
        if shared:
            self._start_servers(labels)
        if techniques & {Tor.name}:
            self.tor = TorNetwork(self)
            self.tor.up()

    def _start_servers(self, labels):
        certificates = self.certificates
        servers.start_web(self.processes, self.content, certificates, self.folder, self.options.split)
        servers.start_quic(self.processes, self.content, certificates, self.folder, self.options.split)
        servers.start_files(self.processes, self.folder)
        if "file-transfer" in labels:
            servers.start_ftp(self.processes, self.content, certificates, self.folder)
        if "chat" in labels:
            servers.start_chat(self.processes, certificates, self.folder)
            servers.start_irc(self.processes, certificates, self.folder)

    def down(self):
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        for owner in self.owners:
            owner.close()
        self.network.down()


def remove_leftovers():
    """Namespaces of a run that was killed: this run holds the lock, so nobody uses them."""
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    for name in re.findall(rf"^({NAMESPACE_PREFIX}\S+)", listed, re.MULTILINE):
        remove_namespace(name)


def start_capture(lab, session, processes, path):
    host = " or ".join(f"host {address}" for address in session.addresses)
    log = f"tcpdump-{session.name}"
    capture = processes.start("gw", "chrt", "--rr", "10", "tcpdump", "-i", "lan0", "-s", str(CAPTURE_BYTES), "-Z",
                              "root", "-B", "8192", "-w", path, host, log=log)
    end = time.monotonic() + 15
    while True:
        with open(os.path.join(processes.log_folder, log + ".log"), "rb") as file:
            if b"listening on" in file.read():
                return capture
        if capture.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"{session.name}: tcpdump did not start, see {processes.log_folder}")
        time.sleep(0.05)


def stop_capture(session, processes, capture):
    processes.stop(capture, signal.SIGINT, patience=20)
    with open(os.path.join(processes.log_folder, f"tcpdump-{session.name}.log"), encoding="utf-8") as file:
        dropped = re.search(r"(\d+) packets? dropped by kernel", file.read())
    if dropped is None or int(dropped.group(1)) > 0:
        raise RuntimeError(f"{session.name}: tcpdump lost packets or did not end: {dropped and dropped.group(0)}")


def keep(session, application, technique, raw, destination):
    """The labelled conversations of the raw capture, cut to headers, in `destination`."""
    rules = technique.rules(application)
    chosen = [p for p in packets.packets(raw) if any(rule.matches(p) for rule in rules)]
    if technique.sealed:
        check_sealed(session, technique, raw)
    least = LEAST_PACKETS.get(session.label, LEAST_PACKETS_ELSE) * min(1, session.seconds / 75)
    if session.kind == FAST:
        least = LEAST_PACKETS_FAST * min(1, session.seconds / SECONDS_FAST[0])
    if len(chosen) < least:
        raise RuntimeError(f"{session.name}: only {len(chosen)} labelled packets, expected {least:.0f} or more")
    upward = sum(p.source[0] in session.addresses for p in chosen)
    if not 0 < upward < len(chosen):
        raise RuntimeError(f"{session.name}: {upward} of {len(chosen)} packets go up: a direction is missing")
    packets.write(destination, chosen)
    return len(chosen)


def start_background(session, processes):
    """Half of the background's packets up, half down, between the client and a server, until the end."""
    if not session.background:
        return
    place = 0 if session.family == 4 else 1
    client = (session.inner[place], BACKGROUND_PORT + session.slot)
    server = (server_address(SSH, session.family), BACKGROUND_PORT + session.slot)
    for namespace, own, peer in ((f"c{session.slot}", client, server), ("files", server, client)):
        processes.start(namespace, "env", "PYTHONDONTWRITEBYTECODE=1", PYTHON, "-m", "lab.clients.background",
                        *map(str, (*own, *peer, session.background / 2, session.seconds,
                                   f"{session.name}-{namespace}")), log="background-" + namespace, cwd=LAB_FOLDER)


def check_sealed(session, technique, raw):
    """Nothing may pass by a tunnel, and none of its packets may be cut in two, which no flow would show."""
    for _, _, data, _ in packets.records(raw):
        if packets.is_fragment(data):
            raise RuntimeError(f"{session.name}: a fragment in the capture: the tunnel's packets are too big")
    for packet in packets.packets(raw):
        if not technique.own(packet):
            raise RuntimeError(f"{session.name}: {packet.source} to {packet.destination} passes by the tunnel")


def record(lab, session):
    """One session from an empty namespace to a finished file."""
    folder = os.path.join(lab.folder, session.name)
    shutil.rmtree(folder, ignore_errors=True)
    processes = Processes(os.path.join(lab.folder, "log", session.name))
    lab.owners.insert(0, processes)
    client, link = f"c{session.slot}", f"link{session.slot}"
    application = technique = None
    raw = os.path.join(lab.folder, session.name + ".raw.pcap")
    try:
        lab.network.add_host(client, "lan", session.addresses[:1], session.addresses[1:])
        lab.network.set_conditions(link, session.addresses, session.conditions)
        technique = TECHNIQUES[session.technique](session, lab, processes, os.path.join(folder, "technique"))
        technique.prepare()
        application = make_application(session, lab, processes, folder)
        application.route_back = technique.route_back
        application.prepare()
        capture = start_capture(lab, session, processes, raw)
        technique.connect()
        start_background(session, processes)
        application.start_clock()
        application.run()
        stop_capture(session, processes, capture)
        count = keep(session, application, technique, raw, output.capture_path(lab.options.out, session))
        output.write_entry(lab.options.out, session)
        say(f"  {session.name}: {count} packets, {session.conditions.profile},"
            f" {session.conditions.rate_mbit} Mbit/s")
    finally:
        processes.stop_all()
        if application is not None:
            application.stop()
        if technique is not None:
            technique.stop()
        lab.network.clear_conditions(link)
        lab.network.remove_host(client)
        shutil.rmtree(folder, ignore_errors=True)
        if os.path.exists(raw):
            os.remove(raw)


def work(lab, waiting, failed, stopping):
    """A slot: takes sessions until none is left; a failed one is tried once more."""
    slot = int(threading.current_thread().name)
    while not stopping.is_set():
        try:
            session = waiting.get_nowait()
        except queue.Empty:
            return
        session.slot = slot
        session.addresses = client_addresses(FIRST_CLIENT + slot)
        for attempt in (1, 2):
            try:
                record(lab, session)
                break
            except Exception as error:  # pylint: disable=broad-except
                if stopping.is_set():
                    return
                say(f"  {session.name}: attempt {attempt} failed: {error}")
                with open(os.path.join(lab.folder, "log", session.name + ".trace"), "a", encoding="utf-8") as file:
                    traceback.print_exc(file=file)
                if attempt == 2 or session.split == "demo":  # demo sessions belong to one time
                    failed.append(session.name)
                    break


def side_by_side(sessions):
    """The first of each class, the second of each, ...: heavy and light ones run at the same time."""
    rounds, seen = [], {}
    for session in sessions:
        seen[session.label] = seen.get(session.label, 0) + 1
        rounds.append(seen[session.label])
    return [session for _, session in sorted(zip(rounds, sessions), key=lambda one: one[0])]


def run(options, sessions):
    lab = Lab(options)
    stopping = threading.Event()
    failed, waiting = [], queue.Queue()
    try:
        lab.up({label for session in sessions for label in session.label.split(SEPARATOR)},
               {session.technique for session in sessions})
        for session in side_by_side(sessions):
            waiting.put(session)
        slots = len(sessions) if options.split == "demo" else min(options.jobs, len(sessions))
        threads = [threading.Thread(target=work, args=(lab, waiting, failed, stopping), name=str(slot), daemon=True)
                   for slot in range(1, slots + 1)]
        for thread in threads:
            thread.start()
            time.sleep(0.4 if options.split == "demo" else START_GAP)
        while any(thread.is_alive() for thread in threads):
            for thread in threads:
                thread.join(0.5)
    finally:
        stopping.set()
        lab.down()
    return failed


def interrupted(number, _frame):
    raise KeyboardInterrupt(signal.Signals(number).name)


def hold(options):
    """Network, servers and one client, until a signal comes."""
    lab = Lab(options)
    try:
        lab.up(set(APPLICATIONS), {"plain"})
        addresses = client_addresses(FIRST_CLIENT + 1)
        lab.network.add_host("c1", "lan", addresses[:1], addresses[1:])
        say(f"client {NAMESPACE_PREFIX}c1 is {' and '.join(addresses)}; end with Ctrl-C")
        while True:
            signal.pause()
    finally:
        lab.down()


def main():
    options = parse()
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    os.makedirs(os.path.join(options.out, options.split), exist_ok=True)
    with open(os.path.join(options.cache, "lock"), "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            sys.exit("another recording is running")
        remove_leftovers()
        for number in _SIGNALS:  # also where a shell had set them aside
            signal.signal(number, interrupted)
        if options.hold:
            hold(options)
        sessions = plan(options.split, options.seed, options.only, options.technique, options.kind, options.sessions,
                        options.seconds)
        if options.split == "demo":
            output.forget(options.out, "demo")
        missing = [s for s in sessions if not output.is_recorded(options.out, s)]
        say(f"{options.split}, {options.series}: {len(sessions)} sessions, {len(missing)} to record")
        failed = run(options, missing) if missing else []
    if not options.no_sequences:
        output.collect(options.out, options.split, options.series)
    if options.install and not failed:
        output.install(options.out, options.split, options.series, here)
    if failed:
        sys.exit("not recorded: " + ", ".join(failed) + f"; logs in {options.cache}/run/log")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt as stop:
        os.write(2, f"stopped{': ' + str(stop) if str(stop) else ''}\n".encode())
        os._exit(1)  # session threads may still be waiting for what was ended under them
    except (yaml.YAMLError, packets.CaptureError, RuntimeError) as error:
        sys.exit(f"error: {error}")
