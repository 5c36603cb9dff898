"""Which sessions a split consists of: applications, conditions and lengths, drawn from the seed."""

import random
from dataclasses import dataclass

from . import conditions
from .apps import APPLICATIONS
from .apps.mixture import SEPARATOR
from .techniques import TECHNIQUES

# Sessions a class. The demo has one of each class at the same time, and a second call and transfer.
SESSIONS = {"train": 8, "test": 4, "demo": 1}
# A call, a film or a conversation is one or two flows: more sessions of those. Raising a number
# keeps the sessions there are; the next run records only the new ones.
FEW_FLOWS = ("voip", "streaming", "chat")
SESSIONS_FEW_FLOWS = {"train": 16, "test": 8, "demo": 1}
# Applications that came after the first recordings have sessions of their own, behind those.
SESSIONS_LATER = {"train": 4, "test": 2, "demo": 0}
EXTRA_DEMO = (("voip", "baresip-pcma", 4), ("file-transfer", "https-down", 6))
# Applications seen in the demo, the ones most people would use.
DEMO_VARIANTS = {"voip": "baresip-opus", "streaming": "adaptive-hls", "browsing": "chromium-http2",
                 "file-transfer": "scp-down", "chat": "xmpp-direct", "p2p": "aria2"}
# Classes that came later are not among the short plain sessions and the mixtures, which keep their numbers.
# Those of MORE_CLASSES are only in the series MORE.
MORE_CLASSES = ("gaming", "remote-desktop", "other")
LATER_CLASSES = ("video-call", *MORE_CLASSES)
# Bulk classes fill any line: slow ones keep recordings small.
RATE_CAPS = {"file-transfer": (2.0, 6.0), "p2p": (2.0, 5.0), "streaming": (3.0, 9.0)}
RATE_CAPS_TUNNEL = {"file-transfer": (0.4, 1.4), "p2p": (0.25, 0.7), "streaming": (1.0, 3.0)}
SECONDS = {"train": (75, 110), "test": (75, 110), "demo": (95, 105)}
IPV4_ONLY = ("p2p",)
# In a tunnel all of a session is one flow: more sessions, each of two full minutes.
SESSIONS_TUNNEL = {"train": 26, "test": 14}
MORE_TUNNEL = {("train", "browsing"): 2}  # who reads at the end of a session leaves a picture thin
SESSIONS_LATER_TUNNEL = {"train": 8, "test": 4}
FIRST_LATER_TUNNEL = 40  # of a label's 60 numbers
SESSIONS_MIXED = {"train": 60, "test": 30}
RATE_MIXED = (1.0, 3.0)
SECONDS_TUNNEL = (125, 135)  # calls and films last 150
SECONDS_MIXED = (66, 76)
# The background alone fills many windows in a minute, and takes room.
SESSIONS_BACKGROUND = {"train": 8, "test": 4}
SECONDS_BACKGROUND = (64, 72)
# Further kinds of a tunnel's sessions: applications side by side, and packets a second of others
# beside one application. Each has numbers of its own; new ones go to the end.
MIXED = "mixed"
BACKGROUNDS = (100, 300, 1000)
# Plain sessions as long as the tunnels', at their rates and wider ones, so that a technique is not
# known by its rates; a slow transfer is one flow of a minute, a fast one many short ones.
LONG = "long"
SESSIONS_LONG = {"voip": (18, 9), "streaming": (32, 16), "browsing": (14, 7), "file-transfer": (33, 18),
                 "chat": (18, 9), "p2p": (12, 6), "video-call": (26, 14)}  # to train, to test
SESSIONS_LONG_LATER = {"streaming": (10, 5), "browsing": (10, 5), "file-transfer": (10, 5)}
RATE_CAPS_LONG = {"file-transfer": (1.4, 6.0), "p2p": (0.7, 4.0), "streaming": (8.0, 80.0)}  # of every third
LONG_WIDE_EVERY = {"streaming": 2}  # small films on fast lines are what most people watch
# Films, pages, transfers and swarms on fast lines: a film is then bursts, as is everything else.
FAST = "fast"
SESSIONS_FAST = {"streaming": (36, 18), "browsing": (12, 6), "file-transfer": (18, 9), "p2p": (6, 4)}
SESSIONS_FAST_TUNNEL = {"streaming": (9, 6), "browsing": (4, 3), "file-transfer": (6, 4), "p2p": (2, 2)}
SESSIONS_FAST_LATER = {"streaming": (6, 3), "browsing": (24, 12), "file-transfer": (6, 3)}  # plain
SECONDS_FAST = (42, 54)
# The classes that only this series has, plain or in a VPN.
MORE = "more"
SESSIONS_MORE = {"gaming": (40, 20), "remote-desktop": (36, 18), "other": (34, 18)}  # to train, to test
SESSIONS_MORE_TUNNEL = {label: (10, 6) for label in MORE_CLASSES}
KINDS = (0, MIXED, *BACKGROUNDS, LONG, FAST, MORE)
CAPTURE_SUFFIX = ".pcap.gz"


@dataclass
class Session:
    label: str
    variant: str
    split: str
    number: int
    seconds: int
    conditions: conditions.Conditions
    family: int
    seed: str
    technique: str = "plain"
    background: int = 0  # packets a second in the tunnel that belong to nothing
    kind: str = ""  # LONG, FAST, MORE
    slot: int = 0
    addresses: tuple = ()
    inner: tuple = ()  # the client's addresses within its tunnel

    @property
    def name(self):
        kind = f"{self.label}-{self.variant}"
        return f"{kind}-{self.number}" if self.series == "plain" else f"{kind}-{self.series}-{self.number}"

    @property
    def series(self):
        return series(self.technique, MIXED if SEPARATOR in self.label else self.kind or self.background)

    def random(self):
        return random.Random(f"{self.seed}-{self.name}")

    def manifest(self):
        return {"path": f"{self.split}/{self.name}{CAPTURE_SUFFIX}", "label": self.label,
                "application": self.variant, "technique": self.technique,
                **({"background_pps": self.background} if self.background else {}),
                **({"kind": self.kind} if self.kind else {}),
                "network": self.conditions.manifest(), "session": self.number, "seconds": self.seconds,
                "split": self.split}


def series(technique, kind=0):
    """What one file of sequences holds; `kind`: one of KINDS."""
    return technique + (f"-background{kind}" if kind in BACKGROUNDS else f"-{kind}" if kind else "")


def _session(dice, label, variant, split, number, profile, family, seed, seconds, technique="plain"):
    caps = RATE_CAPS if technique == "plain" else RATE_CAPS_TUNNEL
    drawn = conditions.draw(dice, profile, caps.get(label))
    return Session(label, variant, split, number, dice.randint(*seconds), drawn, family, f"{seed}-{split}", technique)


def _first_classes():
    return {label: application for label, application in APPLICATIONS.items() if label not in LATER_CLASSES}


def _plain(split, seed):
    """Numbers are unique over all splits, so that a session keeps its own."""
    sessions = []
    base = {"train": 100, "test": 500, "demo": 900}[split]
    profiles = list(conditions.PROFILES)
    for place, (label, application) in enumerate(_first_classes().items()):
        dice = random.Random(f"{seed}-{split}-{label}")
        for i in range((SESSIONS_FEW_FLOWS if label in FEW_FLOWS else SESSIONS)[split]):
            # With as many variants as profiles, shift once a round: each variant meets other networks.
            profile = profiles[(i + i // len(profiles) + place) % len(profiles)]
            variant = application.variants[(i + (1 if split == "test" else 0)) % len(application.variants)]
            if split == "demo":
                variant = DEMO_VARIANTS[label]
            family = 6 if dice.random() < 0.2 and split != "demo" and label not in IPV4_ONLY else 4
            sessions.append(_session(dice, label, variant, split, base + 20 * place + i, profile, family, seed,
                                     SECONDS[split]))
        first = base + 20 * place + (SESSIONS_FEW_FLOWS if label in FEW_FLOWS else SESSIONS)[split]
        sessions += _later(split, seed, label, application.later_variants, "plain", first, SESSIONS_LATER[split],
                           SECONDS[split])
    if split == "demo":
        dice = random.Random(f"{seed}-{split}-extra")
        for i, (label, variant, family) in enumerate(EXTRA_DEMO):
            sessions.append(_session(dice, label, variant, split, base + 20 * len(_first_classes()) + i,
                                     profiles[i % len(profiles)], family, seed, SECONDS[split]))
    return sessions


def _later(split, seed, label, variants, technique, first, count, seconds):
    """Sessions of the variants that came later, numbered from `first`."""
    if not variants:
        return []
    dice = random.Random(f"{seed}-{split}-{technique}-{label}-later")
    profiles = dice.sample(list(conditions.PROFILES), len(conditions.PROFILES))
    sessions = []
    for i in range(count):
        family = 6 if dice.random() < 0.2 and 6 in TECHNIQUES[technique].families and label not in IPV4_ONLY else 4
        sessions.append(_session(dice, label, variants[i % len(variants)], split, first + i,
                                 profiles[(i + i // len(profiles)) % len(profiles)], family, seed, seconds, technique))
    return sessions


def _base(split, technique, kind):
    """Technique K has the numbers K * 1000 and on; each further kind comes 10000 later."""
    place = KINDS.index(kind)
    return 10000 * place + 1000 * list(TECHNIQUES).index(technique) + {"train": 0, "test": 500}[split]


def _mixed(split, seed, technique):
    """Two to four applications at once: every number of them, and every class, equally often."""
    sessions = []
    usable = {label: TECHNIQUES[technique].usable(label, application.variants)
              for label, application in _first_classes().items()}
    labels = [label for label, variants in usable.items() if variants]
    profiles = list(conditions.PROFILES)
    dice = random.Random(f"{seed}-{split}-{technique}-{MIXED}")
    deck = []
    for i in range(SESSIONS_MIXED[split]):
        chosen = set()
        while len(chosen) < 2 + i % 3:
            if not set(deck) - chosen:
                deck += dice.sample(labels, len(labels))
            place = next(n for n, label in enumerate(deck) if label not in chosen)
            chosen.add(deck.pop(place))
        parts = [label for label in labels if label in chosen]
        variants = [dice.choice(usable[label]) for label in parts]
        families = (4,) if chosen & set(IPV4_ONLY) else TECHNIQUES[technique].families
        family = 6 if dice.random() < 0.2 and 6 in families else 4
        drawn = conditions.draw(dice, profiles[i % len(profiles)], RATE_MIXED)
        sessions.append(Session(SEPARATOR.join(parts), SEPARATOR.join(variants), split,
                                _base(split, technique, MIXED) + i, dice.randint(*SECONDS_MIXED), drawn, family,
                                f"{seed}-{split}", technique))
    return sessions


def _tunnelled(split, seed, technique, background):
    """Every label has a range of its own in the technique's numbers."""
    sessions = []
    kind = TECHNIQUES[technique]
    base = _base(split, technique, background)
    profiles = list(conditions.PROFILES)
    for place, (label, application) in enumerate(APPLICATIONS.items()):
        variants = kind.usable(label, application.variants)
        if not variants or label in MORE_CLASSES:
            continue
        dice = random.Random(f"{seed}-{split}-{series(technique, background)}-{label}")
        count = SESSIONS_BACKGROUND[split]
        if not background:
            count = SESSIONS_TUNNEL[split] + MORE_TUNNEL.get((split, label), 0)
        for i in range(count):
            profile = profiles[(i + i // len(profiles) + place) % len(profiles)]
            variant = variants[(i + (1 if split == "test" else 0)) % len(variants)]
            families = (4,) if label in IPV4_ONLY else kind.families
            family = 6 if dice.random() < 0.2 and 6 in families else 4
            sessions.append(_session(dice, label, variant, split, base + 60 * place + i, profile, family, seed,
                                     SECONDS_BACKGROUND if background else SECONDS_TUNNEL, technique))
            sessions[-1].background = background
        if not background:
            sessions += _later(split, seed, label, kind.usable(label, application.later_variants), technique,
                               base + 60 * place + FIRST_LATER_TUNNEL, SESSIONS_LATER_TUNNEL[split], SECONDS_TUNNEL)
    return sessions


def _others(split, seed, technique, kind):
    """LONG: plain, every application there is. FAST: the applications for fast lines."""
    sessions = []
    base = _base(split, technique, kind)
    profiles = list(conditions.PROFILES)
    counts = SESSIONS_LONG if kind == LONG else SESSIONS_FAST if technique == "plain" else SESSIONS_FAST_TUNNEL
    for place, (label, application) in enumerate(APPLICATIONS.items()):
        dice = random.Random(f"{seed}-{split}-{series(technique, kind)}-{label}")
        variants = application.fast_variants
        if kind == LONG:
            variants = tuple(dict.fromkeys((*application.variants, *application.later_variants, *variants)))
        for i in range(counts.get(label, (0, 0))[0 if split == "train" else 1]):
            profile = profiles[(i + i // len(profiles) + place) % len(profiles)]
            family = 6 if dice.random() < 0.2 and label not in IPV4_ONLY else 4
            wide = (i + 1) % LONG_WIDE_EVERY.get(label, 3) == 0
            if kind == FAST:
                drawn = conditions.draw_fast(dice, profile)
            else:
                drawn = conditions.draw(dice, profile, (RATE_CAPS_LONG if wide else RATE_CAPS_TUNNEL).get(label))
            seconds = dice.randint(*(SECONDS_FAST if kind == FAST else SECONDS_TUNNEL))
            sessions.append(Session(label, variants[(i + (1 if split == "test" else 0)) % len(variants)], split,
                                    base + 60 * place + i, seconds, drawn, family, f"{seed}-{split}", technique,
                                    kind=kind))
        if technique == "plain":
            sessions += _others_later(split, seed, kind, label, application, base + 60 * place +
                                      counts.get(label, (0, 0))[0 if split == "train" else 1])
    return sessions


def _others_later(split, seed, kind, label, application, first):
    """Behind them the plain ones that came later, numbered from `first`: HTTP/3, and on fast lines albums."""
    variants = application.long_later_variants if kind == LONG else application.fast_later_variants
    count = (SESSIONS_LONG_LATER if kind == LONG else SESSIONS_FAST_LATER).get(label, (0, 0))[split != "train"]
    profiles = list(conditions.PROFILES)
    dice = random.Random(f"{seed}-{split}-{series('plain', kind)}-{label}-later")
    sessions = []
    for i in range(count):
        profile = profiles[(i + i // len(profiles)) % len(profiles)]
        family = 6 if dice.random() < 0.2 else 4
        if kind == FAST:
            drawn = conditions.draw_fast(dice, profile)
        else:
            drawn = conditions.draw(dice, profile, (RATE_CAPS_LONG if i % 3 == 2 else RATE_CAPS_TUNNEL).get(label))
        sessions.append(Session(label, variants[i % len(variants)], split, first + i,
                                dice.randint(*(SECONDS_FAST if kind == FAST else SECONDS_TUNNEL)), drawn, family,
                                f"{seed}-{split}", kind=kind))
    return sessions


def _more(split, seed, technique):
    """The classes of MORE: every variant meets other networks from round to round."""
    sessions = []
    counts = SESSIONS_MORE if technique == "plain" else SESSIONS_MORE_TUNNEL
    profiles = list(conditions.PROFILES)
    for place, label in enumerate(MORE_CLASSES):
        application = APPLICATIONS[label]
        dice = random.Random(f"{seed}-{split}-{series(technique, MORE)}-{label}")
        for i in range(counts[label][0 if split == "train" else 1]):
            profile = profiles[(i + i // len(profiles) + place) % len(profiles)]
            variant = application.variants[(i + (1 if split == "test" else 0)) % len(application.variants)]
            family = 6 if dice.random() < 0.2 and variant not in application.ipv4_variants else 4
            sessions.append(_session(dice, label, variant, split, _base(split, technique, MORE) + 60 * place + i,
                                     profile, family, seed, SECONDS[split], technique))
            sessions[-1].kind = MORE
    return sessions


def plan(split, seed, only=None, technique="plain", kind=0, most=None, seconds=None):
    """Sessions of `split` by one technique; `kind`: one of KINDS, MIXED and backgrounds for tunnels.

    `most` is how many of each class (mixed: of each number of classes), `seconds` the length of all.
    """
    if kind == MORE:
        sessions = _more(split, seed, technique)
    elif kind in (LONG, FAST):
        sessions = _others(split, seed, technique, kind)
    elif technique == "plain":
        sessions = _plain(split, seed)
    elif kind == MIXED:
        sessions = _mixed(split, seed, technique)
    else:
        sessions = _tunnelled(split, seed, technique, kind)
    chosen, counts = [], {}
    for session in sessions:
        group = session.label if kind != MIXED else session.label.count(SEPARATOR)
        counts[group] = counts.get(group, 0) + 1
        if only in (None, session.label) and (most is None or counts[group] <= most):
            session.seconds = seconds or session.seconds
            chosen.append(session)
    return chosen
