#!/usr/bin/env python3
"""Fails when an #include points up the layers of docs/architecture.md, or when a library is included
outside its room. The table there is what counts: its first column names a room (a folder of lib/ or
daemon/, or one file), its second the rooms that it uses, its fourth the headers that only it may
include (their paths' beginnings). Fails also when a header includes what is slow to compile."""
import os
import re
import sys

# Each file that sees one of these takes one to four seconds more to compile.
SLOW_IN_HEADERS = {
    "nlohmann/json.hpp": "nlohmann/json_fwd.hpp does for a declaration",
    "regex": "include it in a .cc file",
    "spdlog/spdlog.h": "daemon/flowmarkd/log.h writes to the log",
}

ROOT = os.environ.get("FLOWMARK_SOURCE", os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def codes(cell):
    return re.findall(r"`([^`]+)`", cell)


def read_table(path):
    uses, owners = {}, {}
    for line in open(path, encoding="utf-8"):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) != 4 or not re.fullmatch(r"`[\w/.-]+`", cells[0]):
            continue
        room = codes(cells[0])[0]
        uses[room] = codes(cells[1])
        for header in codes(cells[3]):
            owners.setdefault(header, []).append(room)
    return uses, owners


def closure(uses):
    """All rooms that a room may include from; None where the table goes round in a circle."""
    reach = {}

    def visit(room, way):
        if room in way:
            raise SystemExit(f"docs/architecture.md: {' uses '.join(way[way.index(room):] + [room])}")
        if room not in reach:
            found = {room}
            for used in uses[room]:
                if used not in uses:
                    raise SystemExit(f"docs/architecture.md: {room} uses {used}, which has no row")
                found |= visit(used, way + [room])
            reach[room] = found
        return reach[room]

    for room in uses:
        visit(room, [])
    return reach


def room_of(path, rooms):
    """The row that a file belongs to: the longest that is the file or a folder above it."""
    name = path[len("lib/"):] if path.startswith("lib/") else path
    fitting = [room for room in rooms if name == room or name.startswith(room + "/")]
    return max(fitting, key=len, default=None)


def main():
    uses, owners = read_table(os.path.join(ROOT, "docs/architecture.md"))
    if len(uses) < 20:
        raise SystemExit(f"docs/architecture.md: {len(uses)} rooms were found in the table")
    reach = closure(uses)
    faults, includes = [], 0
    used = set()
    for top in ("lib", "daemon"):
        for folder, _, files in sorted(os.walk(os.path.join(ROOT, top))):
            for name in sorted(files):
                if not name.endswith((".h", ".cc")):
                    continue
                path = os.path.relpath(os.path.join(folder, name), ROOT)
                room = room_of(path, uses)
                if room is None:
                    faults.append(f"{path}: its folder has no row in docs/architecture.md")
                    continue
                used.add(room)
                for number, line in enumerate(open(os.path.join(folder, name), encoding="utf-8"), 1):
                    found = re.match(r'#include (["<])([^">]+)[">]', line)
                    if not found:
                        continue
                    includes += 1
                    where, header = f"{path}:{number}", found.group(2)
                    if name.endswith(".h") and header in SLOW_IN_HEADERS:
                        faults.append(f"{where}: <{header}> in a header: {SLOW_IN_HEADERS[header]}")
                    if found.group(1) == "<":
                        for prefix, rooms in owners.items():
                            if header.startswith(prefix) and room not in rooms:
                                faults.append(f"{where}: <{header}> belongs into {', '.join(rooms)}")
                        continue
                    target = header if header.startswith("daemon/") else "lib/" + header
                    if not os.path.exists(os.path.join(ROOT, target)):
                        faults.append(f"{where}: no file {target}; includes are by path from lib/")
                        continue
                    other = room_of(target, uses)
                    if other not in reach[room]:
                        faults.append(f"{where}: {room} must not use {other} ({header})")
    faults += [f"docs/architecture.md: {room} has a row but no files" for room in uses if room not in used]
    for fault in faults:
        print(fault)
    print(f"{includes} includes between {len(uses)} rooms, {len(faults)} of them wrong")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
