"""What the cameras of video calls see, and the same encoded beforehand for those who only send it.

A person before a wall: the picture moves while somebody talks and rests while somebody listens, and
has a sensor's noise. A call's frames are then as uneven as those of a real camera.
"""

import json
import math
import os

from .process import check

CALL_SECONDS = 150
_SECONDS, _FRAMES = 20, 30  # of a camera's film: it goes round
COUNT = {"train": 3, "test": 2, "demo": 0}
STREAMS = {"train": 20, "test": 12, "demo": 0}  # half in H.264, half in VP8
_SIZES = ((640, 480), (640, 360))
_HEIGHTS = (180, 240, 240, 270, 360, 360, 480)
_KBIT = (150, 1500)


def _person(split, dice):
    if split == "test":
        return f"life=size=120x150:rate={_FRAMES}:mold=20:ratio=0.3:seed={dice.randrange(1 << 30)},scale=240:300"
    return (f"mandelbrot=size=240x300:rate={_FRAMES}:maxiter=80:start_x={dice.uniform(-0.8, -0.7):.3f}:"
            f"end_pts=3000:end_scale=0.02")


def _film(split, dice, path, width, height):
    """One camera's film, hardly compressed."""
    period, sway = dice.uniform(4, 9), dice.uniform(10, 50)
    moving = f"lt(mod(t,{period:.2f}),{period * dice.uniform(0.3, 0.8):.2f})"
    place = (f"x='(W-w)/2+{sway:.0f}*sin(t*{dice.uniform(1, 4):.2f})*{moving}':"
             f"y='H-h+{sway / 4:.0f}*sin(t*{dice.uniform(2, 6):.2f})*{moving}'")
    check("nice", "ffmpeg", "-v", "error", "-y",
          "-f", "lavfi", "-i", f"gradients=size={width}x{height}:rate={_FRAMES}:speed=0.00001:"
                               f"seed={dice.randrange(1 << 30)}",
          "-f", "lavfi", "-i", _person(split, dice),
          "-filter_complex", f"[0][1]overlay={place},noise=alls={dice.randint(3, 9)}:allf=t,format=yuv420p",
          "-t", str(_SECONDS), "-c:v", "libx264", "-preset", "ultrafast", "-qp", "10", "-threads", "1",
          "-g", str(_FRAMES), path)


def _stream(folder, camera, codec, number, dice):
    """A camera's film as a telephone encodes it, with what was drawn for it."""
    height = dice.choice(_HEIGHTS)
    width = height * (4 if camera % 2 == 0 else 16) // (3 if camera % 2 == 0 else 9) // 2 * 2
    frames = dice.choice((10, 12, 15, 15, 20, 24, 25, 30))
    kbit = round(math.exp(dice.uniform(*map(math.log, _KBIT))))
    key_seconds = dice.choice((1, 2, 3, 5, 10, 10, 30))
    filters = [f"scale={width}:{height}"]
    if dice.random() < 0.25:  # the camera is off for a while
        off = dice.uniform(10, CALL_SECONDS * 0.6)
        filters.insert(0, f"select='not(between(t,{off:.1f},{off + dice.uniform(8, 30):.1f}))'")
    rates = ("-b:v", f"{kbit}k", "-maxrate", f"{round(kbit * dice.uniform(1, 1.3))}k", "-bufsize", f"{kbit // 2}k")
    encoder = (("-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-profile:v", "baseline")
               if codec == "h264" else
               ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-lag-in-frames", "0",
                "-error-resilient", "1", "-static-thresh", "100"))
    name = f"{codec}-{number}.mkv"
    check("nice", "ffmpeg", "-v", "error", "-y", "-stream_loop", "-1",
          "-i", os.path.join(folder, f"camera{camera}.y4m"),
          "-t", str(CALL_SECONDS), "-vf", ",".join(["fps=" + str(frames), *filters]), "-fps_mode", "passthrough",
          *encoder, *rates, "-g", str(frames * key_seconds), "-threads", "1", os.path.join(folder, name))
    return {"name": name, "codec": codec, "kbit": kbit, "frames": frames}


def make(folder, split, dice):
    """Cameras' films in `folder` (mkv and, for Chromium, y4m), encoded streams, and cameras.json with their list."""
    for number in range(COUNT[split]):
        path = os.path.join(folder, f"camera{number}.mkv")
        _film(split, dice, path, *_SIZES[number % 2])
        check("nice", "ffmpeg", "-v", "error", "-y", "-i", path, "-pix_fmt", "yuv420p",
              os.path.join(folder, f"camera{number}.y4m"))
    streams = [_stream(folder, number % COUNT[split], ("h264", "vp8")[number // 2 % 2], number, dice)
               for number in range(STREAMS[split])]
    with open(os.path.join(folder, "cameras.json"), "w", encoding="utf-8") as file:
        json.dump(streams, file)
