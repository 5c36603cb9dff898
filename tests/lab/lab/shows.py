"""Films of up to 14 Mbit/s for fast lines, one fragmented MP4 for each rate, fetched by byte ranges.

A show is many short scenes, as films are: its rate goes up and down. Its pictures are small, which
does not show on the wire.
"""

import json
import os
import struct

from .process import check

RATES = (500, 1000, 2000, 4000, 8000, 14000)  # kbit/s
PIECE_SECONDS = 2  # a fragment: players join them to segments, or fetch bytes without regard to them
_SECONDS, _FRAMES = 72, 25  # shorter than what a player may buffer: it goes round
COUNT = {"train": 2, "test": 1, "demo": 0}


def _scene(split, dice):
    """What ffmpeg's sources can draw; those of one split are not in the other."""
    noise = f"noise=alls={dice.randint(2, 45)}:allf=t"
    size = f"size=640x360:rate={_FRAMES}"
    if split == "test":
        return (f"life=size=320x180:rate={_FRAMES}:mold=10:ratio={dice.uniform(0.05, 0.4):.2f}:"
                f"seed={dice.randrange(1 << 30)},scale=640:360,{noise}")
    if dice.random() < 0.5:
        return f"testsrc2={size},hue=h={dice.randrange(360)},{noise}"
    return f"mandelbrot={size}:start_x={dice.uniform(-0.8, -0.7):.3f}:maxiter=200,{noise}"


def fragments(path):
    """[[first byte, bytes]] of the fragments of an MP4 (ISO/IEC 14496-12: boxes moof and mdat)."""
    found, at, size = [], 0, os.path.getsize(path)
    with open(path, "rb") as file:
        while at + 8 <= size:
            file.seek(at)
            length, kind = struct.unpack(">I4s", file.read(8))
            if length == 1:
                length, = struct.unpack(">Q", file.read(8))
            if length < 8:
                break
            if kind == b"moof":
                found.append([at, length])
            elif kind == b"mdat" and found:
                found[-1][1] += length
            at += length
    if at != size or not found:
        raise RuntimeError(f"{path}: no whole fragments of MP4 (box at byte {at} of {size})")
    return found


def _fragmented(path, *options):
    check("nice", "ffmpeg", "-v", "error", "-y", *options, "-t", str(_SECONDS),
          "-movflags", "+frag_keyframe+empty_moov+default_base_moof", path)
    return {"name": os.path.basename(path), "pieces": fragments(path)}


def make(folder, split, dice):
    """The shows of a split in `folder`, and shows.json, which tells players where the fragments are."""
    shows = []
    for number in range(COUNT[split]):
        scenes, length = [], 0
        while length < _SECONDS:
            seconds = dice.randint(2, 9)
            scenes += ["-f", "lavfi", "-t", str(seconds), "-i", _scene(split, dice)]
            length += seconds
        count = len(scenes) // 6
        joined = "".join(f"[{i}:v]" for i in range(count)) + f"concat=n={count}:v=1:a=0,format=yuv420p"
        best = os.path.join(folder, f"show{number}-scenes.mkv")
        check("nice", "ffmpeg", "-v", "error", "-y", *scenes, "-filter_complex", joined, "-t",
              str(_SECONDS), "-c:v", "libx264", "-preset", "ultrafast", "-qp", "8", "-threads", "1", best)
        video = []
        for rate in RATES:
            path = os.path.join(folder, f"show{number}-{rate}.mp4")
            video.append(dict(_fragmented(
                path, "-i", best, "-c:v", "libx264", "-preset", "ultrafast", "-threads", "1", "-b:v", f"{rate}k",
                "-maxrate", f"{rate * 2}k", "-bufsize", f"{rate * 6}k", "-g", str(PIECE_SECONDS * _FRAMES),
                "-keyint_min", str(PIECE_SECONDS * _FRAMES), "-sc_threshold", "0"), kbit=rate))
        os.remove(best)
        sound = os.path.join(folder, f"show{number}-sound.mp4")
        noise = "anoisesrc=color=pink:amplitude=0.2,aformat=channel_layouts=stereo"
        audio = _fragmented(sound, "-f", "lavfi", "-i", noise, "-c:a", "aac", "-b:a", "128k",
                            "-frag_duration", str(PIECE_SECONDS * 1_000_000))
        shows.append({"video": video, "audio": audio})
    with open(os.path.join(folder, "shows.json"), "w", encoding="utf-8") as file:
        json.dump(shows, file)
    with open(os.path.join(folder, "index.html"), "w", encoding="utf-8") as file:
        file.write("<!doctype html><title>player</title><link rel=icon href='data:,'>\n")
