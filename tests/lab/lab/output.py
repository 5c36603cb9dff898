"""Files of a recording: per session a capture and its manifest entry; per split the sequences."""

import bz2
import glob
import os
import shutil

import yaml

from . import packets
from .apps.mixture import SEPARATOR
from .plan import FAST, MIXED, MORE, series

FLOWS_PER_SESSION = 10000  # number of a flow: session * FLOWS_PER_SESSION + its place in the session

# Of a session on a fast line the sequences keep the first packets, of albums fewer: a burst of a film and one of large
# pictures look alike, and films are what a line carries more of.
FAST_PACKETS = 26_000
ALBUM_PACKETS = 8_000
# A streamed desktop has a thousand packets a second: of a session of MORE the first are kept.
MORE_PACKETS = 20_000


def capture_path(out, session):
    return os.path.join(out, session.manifest()["path"])


def _entry_path(out, session):
    return capture_path(out, session) + ".yaml"


def _entry(session):
    return dict(session.manifest(), family=session.family, addresses=list(session.addresses), seed=session.seed)


def write_entry(out, session):
    temporary = _entry_path(out, session) + ".part"
    with open(temporary, "w", encoding="utf-8") as file:
        yaml.safe_dump(_entry(session), file, sort_keys=False)
    os.replace(temporary, _entry_path(out, session))


def is_recorded(out, session):
    """True where the very same session (seed, conditions, length) is already there."""
    path = _entry_path(out, session)
    if not os.path.exists(path) or not os.path.exists(capture_path(out, session)):
        return False
    with open(path, encoding="utf-8") as file:
        there = yaml.safe_load(file)
    return all(there.get(key) == value for key, value in _entry(session).items() if key != "addresses")


def forget(out, split):
    for path in glob.glob(os.path.join(out, split, "*.pcap.gz*")):
        os.remove(path)


def entry_series(entry):
    kind = entry.get("kind") or entry.get("background_pps", 0)
    return series(entry["technique"], MIXED if SEPARATOR in entry["label"] else kind)


def sequences_name(split, name):
    return f"{split}.csv.bz2" if name == "plain" else f"{split}-{name}.csv.bz2"


def _entries(out, split):
    entries = []
    for path in sorted(glob.glob(os.path.join(out, split, "*.pcap.gz.yaml"))):
        with open(path, encoding="utf-8") as file:
            entries.append(yaml.safe_load(file))
    return sorted(entries, key=lambda entry: entry["session"])


_MANIFEST_KEYS = ("path", "label", "application", "technique", "background_pps", "kind", "network", "session",
                  "seconds", "split")


class _Flow(dict):
    """A mapping written on one line."""


yaml.SafeDumper.add_representer(
    _Flow, lambda dumper, data: dumper.represent_mapping("tag:yaml.org,2002:map", data, flow_style=True))


def _manifest_sessions(out):
    return [{key: entry[key] for key in _MANIFEST_KEYS if key in entry}
            for split in ("train", "test") for entry in _entries(out, split)]


def _installed_sessions(folder):
    path = os.path.join(folder, "manifest.yaml")
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        return yaml.safe_load(file)["sessions"]


def _is_of(entry, split, name):
    return (entry["split"], entry_series(entry)) == (split, name)


def _write_manifest(folder, sessions):
    """Writes folder/manifest.yaml, in order of split and number."""
    ordered = sorted(sessions, key=lambda entry: (entry["split"] != "train", entry["session"]))
    sessions = [dict(entry, network=_Flow(entry["network"])) for entry in ordered]
    temporary = os.path.join(folder, "manifest.yaml.part")
    with open(temporary, "w", encoding="utf-8") as file:
        file.write("# Paths are those of the captures beside this file when record.sh wrote it. In the sequence\n"
                   "# files <split>.csv.bz2 (plain) and <split>-<technique>....csv.bz2, session N has the flows\n"
                   f"# numbered N * {FLOWS_PER_SESSION} and on.\n")
        yaml.safe_dump({"sessions": sessions}, file, sort_keys=False, width=120)
    os.replace(temporary, temporary.removesuffix(".part"))


def _known(entry, flow):
    """What the sequences say of a flow beside its label: what to split and to compare by."""
    return {"application": entry["application"], "technique": entry["technique"],
            **({"background": entry["background_pps"]} if "background_pps" in entry else {}),
            **({"kind": entry["kind"]} if "kind" in entry else {}),
            **({"transport": packets.TRANSPORTS[flow[0].protocol]} if entry.get("kind") == MORE else {}),
            "network": entry["network"]["profile"], "session": entry["session"], "split": entry["split"]}


def packets_kept(entry):
    """How many packets of a session its sequences have; None: all."""
    if entry.get("kind") == MORE:
        return MORE_PACKETS
    if entry.get("kind") != FAST:
        return None
    return ALBUM_PACKETS if entry["application"].startswith("album") else FAST_PACKETS


def session_flows(out, entry):
    """The flows of a recorded session, as far as the sequences have them."""
    return kept_flows(entry, packets.packets(os.path.join(out, entry["path"])))


def kept_flows(entry, recorded):
    """The same from the session's packets."""
    return packets.flows(sorted(recorded, key=lambda p: p.time_us)[:packets_kept(entry)])


def _write_sequences(out, split, name, entries):
    temporary = os.path.join(out, sequences_name(split, name) + ".part")
    with bz2.open(temporary, "wb") as file:  # a tenth smaller than xz, a quarter than gzip
        for entry in entries:
            flows = session_flows(out, entry)
            if len(flows) >= FLOWS_PER_SESSION:
                raise RuntimeError(f"{entry['path']}: {len(flows)} flows, more than numbers")
            for place, flow in enumerate(flows):
                number = entry["session"] * FLOWS_PER_SESSION + place
                lines = packets.sequence_lines(number, entry["label"], flow, _known(entry, flow))
                file.write(("\n".join(lines) + "\n").encode())
    os.replace(temporary, temporary.removesuffix(".part"))


def _write_demo(out):
    """All sessions of the demo as the one capture they were, and the true label of each client."""
    entries = _entries(out, "demo")
    chosen = [p for entry in entries for p in packets.packets(os.path.join(out, entry["path"]))]
    packets.write(os.path.join(out, "demo.pcap.gz"), chosen)
    rules = []
    for entry in sorted(entries, key=lambda e: e["addresses"]):
        host = entry["addresses"][0 if entry["family"] == 4 else 1]
        rules.append(_Flow(label=entry["label"], host=host))
    temporary = os.path.join(out, "labels.yaml.part")
    with open(temporary, "w", encoding="utf-8") as file:
        file.write("# True labels of demo.pcap.gz: each client runs one application. First match decides;\n"
                   "# `host` is either end of the flow.\n")
        yaml.safe_dump({"inside": ["10.77.0.0/16", "fd77::/64"], "rules": rules}, file, sort_keys=False)
    os.replace(temporary, temporary.removesuffix(".part"))


def collect(out, split, name):
    """Writes the sequences of the series `name`, and the manifest of all."""
    if split == "demo":
        _write_demo(out)
    else:
        entries = [entry for entry in _entries(out, split) if entry_series(entry) == name]
        _write_sequences(out, split, name, entries)
        _write_manifest(out, _manifest_sessions(out))


def install(out, split, name, lab_folder):
    """Copies the results to where the repository keeps them, each by a rename."""
    folder, files = os.path.join(lab_folder, "data"), (sequences_name(split, name),)
    if split == "demo":
        folder = os.path.join(os.path.dirname(os.path.dirname(lab_folder)), "config", "demo")
        files = ("demo.pcap.gz", "labels.yaml")
    os.makedirs(folder, exist_ok=True)
    for file in files:
        temporary = os.path.join(folder, file + ".part")
        shutil.copyfile(os.path.join(out, file), temporary)
        os.replace(temporary, os.path.join(folder, file))
    if split == "demo":
        return
    # The other series that are installed stay as they are.
    recorded = [entry for entry in _manifest_sessions(out) if _is_of(entry, split, name)]
    kept = [entry for entry in _installed_sessions(folder) if not _is_of(entry, split, name)]
    _write_manifest(folder, kept + recorded)
