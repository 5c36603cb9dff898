"""Which sessions a split consists of: applications, conditions and lengths, drawn from the seed."""

import random
from dataclasses import dataclass

from . import conditions
from .apps import APPLICATIONS

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
TECHNIQUE = "plain"
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
    slot: int = 0
    addresses: tuple = ()

    @property
    def name(self):
        return f"{self.label}-{self.variant}-{self.number}"

    def random(self):
        return random.Random(f"{self.seed}-{self.name}")

    def manifest(self):
        return {"path": f"{self.split}/{self.name}{CAPTURE_SUFFIX}", "label": self.label,
                "application": self.variant, "technique": TECHNIQUE, "network": self.conditions.manifest(),
                "session": self.number, "seconds": self.seconds, "split": self.split}


def _session(dice, label, variant, split, number, profile, family, seed):
    drawn = conditions.draw(dice, profile, RATE_CAPS.get(label))
    return Session(label, variant, split, number, dice.randint(*SECONDS[split]), drawn, family, f"{seed}-{split}")


def plan(split, seed, only=None):
    """Sessions of `split`; numbers are unique over all splits, so that a session keeps its own."""
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
            sessions.append(_session(dice, label, variant, split, base + 20 * place + i, profile, family, seed))
    if split == "demo":
        dice = random.Random(f"{seed}-{split}-extra")
        for i, (label, variant, family) in enumerate(EXTRA_DEMO):
            sessions.append(_session(dice, label, variant, split, base + 20 * len(APPLICATIONS) + i,
                                     profiles[i % len(profiles)], family, seed))
    return [s for s in sessions if only is None or s.label == only]
