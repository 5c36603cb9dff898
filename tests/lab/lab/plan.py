"""Which sessions a split consists of: applications, conditions and lengths, drawn from the seed."""

import random
from dataclasses import dataclass

from . import conditions
from .apps import APPLICATIONS
from .techniques import TECHNIQUES

# Sessions a class. The demo has one of each class at the same time, and a second call and transfer.
SESSIONS = {"train": 8, "test": 4, "demo": 1}
# A call, a film or a conversation is one or two flows: more sessions of those. Raising a number
# keeps the sessions there are; the next run records only the new ones.
FEW_FLOWS = ("voip", "streaming", "chat")
SESSIONS_FEW_FLOWS = {"train": 16, "test": 8, "demo": 1}
EXTRA_DEMO = (("voip", "baresip-pcma", 4), ("file-transfer", "https-down", 6))
# Applications seen in the demo, the ones most people would use.
DEMO_VARIANTS = {"voip": "baresip-opus", "streaming": "adaptive-hls", "browsing": "chromium-http2",
                 "file-transfer": "scp-down", "chat": "xmpp-direct", "p2p": "aria2"}
# Bulk classes fill any line: slow ones keep recordings small.
RATE_CAPS = {"file-transfer": (2.0, 6.0), "p2p": (2.0, 5.0), "streaming": (3.0, 9.0)}
SECONDS = {"train": (75, 110), "test": (75, 110), "demo": (95, 105)}
IPV4_ONLY = ("p2p",)
# In a tunnel all of a session is one flow: more sessions, each of two full minutes.
SESSIONS_TUNNEL = {"train": 50, "test": 25}
SECONDS_TUNNEL = (125, 140)  # calls and films last 150
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
    slot: int = 0
    addresses: tuple = ()
    inner: tuple = ()  # the client's addresses within its tunnel

    @property
    def name(self):
        kind = f"{self.label}-{self.variant}"
        return f"{kind}-{self.number}" if self.technique == "plain" else f"{kind}-{self.technique}-{self.number}"

    def random(self):
        return random.Random(f"{self.seed}-{self.name}")

    def manifest(self):
        return {"path": f"{self.split}/{self.name}{CAPTURE_SUFFIX}", "label": self.label,
                "application": self.variant, "technique": self.technique, "network": self.conditions.manifest(),
                "session": self.number, "seconds": self.seconds, "split": self.split}


def _session(dice, label, variant, split, number, profile, family, seed, seconds, technique="plain"):
    drawn = conditions.draw(dice, profile, RATE_CAPS.get(label))
    return Session(label, variant, split, number, dice.randint(*seconds), drawn, family, f"{seed}-{split}", technique)


def _plain(split, seed):
    """Numbers are unique over all splits, so that a session keeps its own."""
    sessions = []
    base = {"train": 100, "test": 500, "demo": 900}[split]
    profiles = list(conditions.PROFILES)
    for place, (label, application) in enumerate(APPLICATIONS.items()):
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
    if split == "demo":
        dice = random.Random(f"{seed}-{split}-extra")
        for i, (label, variant, family) in enumerate(EXTRA_DEMO):
            sessions.append(_session(dice, label, variant, split, base + 20 * len(APPLICATIONS) + i,
                                     profiles[i % len(profiles)], family, seed, SECONDS[split]))
    return sessions


def _tunnelled(split, seed, technique):
    """Technique K has the numbers K * 1000 and on; every label a range of its own in them."""
    sessions = []
    kind = TECHNIQUES[technique]
    base = 1000 * list(TECHNIQUES).index(technique) + {"train": 0, "test": 500}[split]
    profiles = list(conditions.PROFILES)
    for place, (label, application) in enumerate(APPLICATIONS.items()):
        variants = kind.variants(application)
        if not variants:
            continue
        dice = random.Random(f"{seed}-{split}-{technique}-{label}")
        for i in range(SESSIONS_TUNNEL[split]):
            profile = profiles[(i + i // len(profiles) + place) % len(profiles)]
            variant = variants[(i + (1 if split == "test" else 0)) % len(variants)]
            families = (4,) if label in IPV4_ONLY else kind.families
            family = 6 if dice.random() < 0.2 and 6 in families else 4
            sessions.append(_session(dice, label, variant, split, base + 60 * place + i, profile, family, seed,
                                     SECONDS_TUNNEL, technique))
    return sessions


def plan(split, seed, only=None, technique="plain", most=None, seconds=None):
    """Sessions of `split` by one technique, `most` a label; `seconds`, if given, is the length of all."""
    sessions = _plain(split, seed) if technique == "plain" else _tunnelled(split, seed, technique)
    chosen, counts = [], {}
    for session in sessions:
        counts[session.label] = counts.get(session.label, 0) + 1
        if only in (None, session.label) and (most is None or counts[session.label] <= most):
            session.seconds = seconds or session.seconds
            chosen.append(session)
    return chosen
