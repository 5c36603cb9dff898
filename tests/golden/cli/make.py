#!/usr/bin/python3
"""Writes the inputs of the command-line tests beside this file: flows.csv (a packet sequence file)
and capture.pcap (the same kinds of packets on Ethernet). All made up; the same each time."""

import os
import random
import struct

HERE = os.path.dirname(os.path.abspath(__file__))
START = 1700000000


def flows():
    """(id, label, packets), packets as (microseconds since the start, signed size)."""
    dice = random.Random(3)
    made = []
    for number in range(12):
        label = ("talk", "fetch", "talk\"quoted\"")[min(number % 3, 1) if number < 11 else 2]
        time, packets = 0, []
        for _ in range(1300 if number < 4 else dice.randint(3, 60)):
            if label == "fetch":
                gap, size = dice.choice((20, 300, 90000)), dice.choice((-1500, -1500, 52, -700))
            else:
                gap, size = dice.choice((19800, 20100, 20300)), dice.choice((200, -200, 201, -1501))
            time += gap
            packets.append((time, size))
        made.append((str(number), label, packets))
    made.append(("pause", "talk", [(0, 100), (59_999_999, -100), (60_000_000, 100), (200_000_000, 1500),
                                   (200_000_001, 1), (200_000_001, -65535)]))
    return made


def write_sequences():
    with open(os.path.join(HERE, "flows.csv"), "w", encoding="utf-8") as file:
        for number, (name, label, packets) in enumerate(flows()):
            file.write(f"#{name},{label},{START + 100 * number}.250000\n")
            before = packets[0][0]
            for time, size in packets:
                file.write(f"{time - before},{size}\n")
                before = time


def frame(up, size, port):
    """An Ethernet frame with an IPv4 UDP packet of `size` bytes, checksums left zero."""
    source, target = ("10.0.0.1", "192.0.2.9") if up else ("192.0.2.9", "10.0.0.1")
    ports = (port, 443) if up else (443, port)
    size = max(size, 28)
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, size, 0, 0, 64, 17, 0,
                     bytes(map(int, source.split("."))), bytes(map(int, target.split("."))))
    udp = struct.pack(">HHHH", *ports, size - 20, 0)
    return b"\x02" * 12 + b"\x08\x00" + (ip + udp + bytes(size - 28))


def write_capture():
    with open(os.path.join(HERE, "capture.pcap"), "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 96, 1))
        packets = []
        for port, seconds in ((5000, 0), (5001, 7)):
            dice = random.Random(port)
            time = seconds * 1_000_000
            for i in range(40):
                packets.append((time, i % 3 != 1, dice.choice((60, 400, 1500)), port))
                time += dice.choice((100, 40000, 2_500_000))
        for time, up, size, port in sorted(packets):
            data = frame(up, size, port)
            kept = data[:96]
            file.write(struct.pack("<IIII", START + time // 1_000_000, time % 1_000_000, len(kept),
                                   len(data)) + kept)


write_sequences()
write_capture()
