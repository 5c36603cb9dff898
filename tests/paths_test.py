#!/usr/bin/env python3
"""Fails when a document names a file or folder of the project that is not there. What counts: words in
backticks and link targets that begin with a folder of the top level (or, in docs/, are relative)."""
import os
import re
import subprocess
import sys

ROOT = os.environ.get("FLOWMARK_SOURCE", os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOPS = ("lib/", "daemon/", "config/", "systemd/", "bench/", "tests/", "docs/")


def documents():
    for folder in ("docs", "tests/lab", "."):
        for base, folders, files in os.walk(os.path.join(ROOT, folder)):
            folders[:] = [] if folder == "." else [f for f in folders if f != "history"]
            for name in files:
                if name.endswith(".md"):
                    yield os.path.relpath(os.path.join(base, name), ROOT)


def exists(path):
    """Also of patterns such as lib/learn/{cnn,forest} and tests/unit/*.cc, and of stems."""
    options = [path]
    brace = re.search(r"\{([^}]*)\}", path)
    if brace:
        options = [path[:brace.start()] + word + path[brace.end():] for word in brace.group(1).split(",")]
    for option in options:
        if "NAME" in option or "KIND" in option or "..." in option or "<" in option:
            continue
        pattern = os.path.join(ROOT, option)
        found = subprocess.run(["bash", "-c", f"compgen -G {pattern!r} || compgen -G {pattern + '.*'!r}"],
                               stdout=subprocess.DEVNULL, check=False).returncode == 0
        if not found:
            return False
    return True


def main():
    faults, seen = [], 0
    for document in sorted(set(documents())):
        for number, line in enumerate(open(os.path.join(ROOT, document), encoding="utf-8"), 1):
            for word in re.findall(r"`([\w./{},*<>-]+)`", line):
                if word.startswith(TOPS):
                    seen += 1
                    if not exists(word):
                        faults.append(f"{document}:{number}: {word} is not there")
            for target in re.findall(r"\]\(([^)#:]+)\)", line):
                seen += 1
                path = os.path.normpath(os.path.join(os.path.dirname(document), target))
                if not exists(path):
                    faults.append(f"{document}:{number}: {target} is not there")
    for fault in faults:
        print(fault)
    print(f"{seen} paths in documents, {len(faults)} of them wrong")
    return 1 if faults or seen < 50 else 0


if __name__ == "__main__":
    sys.exit(main())
