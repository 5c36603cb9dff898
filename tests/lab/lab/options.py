"""The command line of record.sh."""

import argparse
import os

from .apps import APPLICATIONS
from .plan import BACKGROUNDS, FAST, LONG, MIXED, MORE, MORE_CLASSES, series
from .techniques import TECHNIQUES
from .techniques.base import MOST_SLOTS, Tunnel

LONGEST = 145  # calls and films last a little longer


def parse(arguments=None):
    parser = argparse.ArgumentParser(prog="record.sh", description="Record labelled sessions of real applications.")
    parser.add_argument("--split", required=True, choices=("train", "test", "demo"))
    parser.add_argument("--only", choices=sorted(APPLICATIONS), help="only this class")
    parser.add_argument("--technique", choices=list(TECHNIQUES), default="plain", help="how the packets travel")
    parser.add_argument("--mixed", action="store_true", help="two to four applications at once in the tunnel")
    parser.add_argument("--background", type=int, default=0, choices=BACKGROUNDS, metavar="PPS",
                        help="packets a second of other traffic in the tunnel: 100, 300 or 1000")
    parser.add_argument("--long", action="store_true", help="plain sessions as long as the tunnels', at their rates")
    parser.add_argument("--fast", action="store_true", help="films, pages, transfers and swarms on fast lines")
    parser.add_argument("--more", action="store_true", help="games, remote desktops, other traffic, plain or in a VPN")
    parser.add_argument("--sessions", type=int, metavar="N", help="at most N of each class (default: all planned)")
    parser.add_argument("--seconds", type=int, metavar="S", help="length of every session, for trying things out")
    parser.add_argument("--out", help="where recordings go (default: recordings in the cache)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=6, help="sessions at the same time (the demo: all)")
    parser.add_argument("--no-sequences", action="store_true",
                        help="leave the sequence files to the next run without it: they take minutes")
    parser.add_argument("--install", action="store_true", help="put the results where the repository keeps them")
    parser.add_argument("--hold", action="store_true", help="record nothing, keep network and servers up")
    options = parser.parse_args(arguments)
    if options.split == "demo" and options.technique != "plain":
        parser.error("the demo is plain: --technique goes with train and test")
    if options.mixed and options.technique == "plain":
        parser.error("--mixed goes with a --technique: without a tunnel every flow has one class")
    if options.background and not issubclass(TECHNIQUES[options.technique], Tunnel):
        parser.error("--background goes with a VPN as --technique: it is UDP, and other flows than the plain ones")
    if options.mixed and options.only:
        parser.error("--mixed goes without --only")
    if options.mixed + options.long + options.fast + options.more + bool(options.background) > 1:
        parser.error("--mixed, --long, --fast, --more and --background are series of their own: one at a time")
    if options.long and options.technique != "plain":
        parser.error("--long is plain: a tunnel's sessions are that long without it")
    if options.fast and options.technique == "tor":
        parser.error("--fast goes without Tor, which is not fast, and carries no QUIC")
    if options.more and options.technique == "tor":
        parser.error("--more goes without Tor: most of it is UDP")
    if options.split == "demo" and (options.long or options.fast or options.more):
        parser.error("--long, --fast and --more go with train and test")
    options.kind = next((kind for asked, kind in ((options.long, LONG), (options.fast, FAST), (options.more, MORE),
                                                  (options.mixed, MIXED)) if asked), options.background)
    if options.only in MORE_CLASSES and not options.more:
        parser.error(f"{options.only} goes with --more")
    options.series = series(options.technique, options.kind)
    if options.install and options.no_sequences:
        parser.error("--install wants the sequences, without --no-sequences")
    if options.install and (options.only or options.sessions or options.seconds):
        parser.error("--install wants the whole split, without --only, --sessions and --seconds")
    if not 1 <= options.jobs <= MOST_SLOTS:
        parser.error(f"--jobs {options.jobs}, want 1 to {MOST_SLOTS}")
    if options.sessions is not None and options.sessions < 1:
        parser.error(f"--sessions {options.sessions}, want 1 or more")
    if options.seconds is not None and not 10 <= options.seconds <= LONGEST:
        parser.error(f"--seconds {options.seconds}, want 10 to {LONGEST} (calls and films end then)")
    options.cache = os.environ.get("FLOWMARK_LAB_CACHE", "/var/tmp/flowmark-lab")
    options.out = os.path.abspath(options.out or os.path.join(options.cache, "recordings"))
    return options
