"""What the servers have, made once and kept: pages and speech of the recording lab, a film, files."""

import hashlib
import os
import shutil

from .shell import check, lab_module
from .swarm import bencode

Content = lab_module("content").Content

RENDITIONS = (600, 1500, 3000, 5000)  # kbit/s of the pictures
_PICTURES = "testsrc2=size=640x360:rate=25,noise=alls=40:allf=t"
_FILM_SECONDS, _SEGMENT_SECONDS = 60, 4
_FILE_BYTES = 1 << 30  # more than a run fetches, without taking room
_SWARM_BYTES = 256 << 20
_PIECE_BYTES = 1 << 20
CALLS = 12  # pieces of conversations
_SPEECHES, _SPEECH_STEP_S, _CALL_SECONDS = 3, 30, 55


def make(folder):
    """The folder with `sites`, `speech`, `film`, `files`, `swarm`."""
    lab = Content(folder, "demo", 1)
    lab.make(("speech", "sites"))
    for name, maker in (("film", _film), ("calls", _calls), ("files", _files), ("swarm", _swarm)):
        final = lab.path(name)
        if os.path.isdir(final):
            continue
        shutil.rmtree(final + ".part", ignore_errors=True)
        os.makedirs(final + ".part")
        maker(final + ".part", lab)
        os.rename(final + ".part", final)
    return lab.folder


def _film(folder, _lab):
    """HLS of four renditions; noise, so that the encoder needs the rate it is given."""
    inputs, maps = [], []
    for place, rate in enumerate(RENDITIONS):
        path = os.path.join(folder, f"{rate}.mp4")
        check("nice", "ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", _PICTURES, "-f", "lavfi", "-i",
              "anoisesrc=color=pink:amplitude=0.2,aformat=channel_layouts=stereo",
              "-t", str(_FILM_SECONDS), "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p",
              "-b:v", f"{rate}k", "-maxrate", f"{int(rate * 1.4)}k", "-bufsize", f"{rate * 3}k", "-g", "50",
              "-keyint_min", "50", "-sc_threshold", "0", "-c:a", "aac", "-b:a", "96k", path)
        inputs += ["-i", path]
        maps += ["-map", f"{place}:v", "-map", f"{place}:a"]
    os.makedirs(os.path.join(folder, "hls"))
    variants = " ".join(f"v:{place},a:{place}" for place in range(len(RENDITIONS)))
    check("ffmpeg", "-v", "error", "-y", *inputs, *maps, "-c", "copy", "-f", "hls", "-hls_time", str(_SEGMENT_SECONDS),
          "-hls_playlist_type", "vod", "-master_pl_name", "master.m3u8", "-var_stream_map", variants,
          "-hls_segment_filename", f"{folder}/hls/v%v-%03d.ts", f"{folder}/hls/v%v.m3u8")
    for rate in RENDITIONS:
        os.remove(os.path.join(folder, f"{rate}.mp4"))


def _calls(folder, lab):
    """Both sides of conversations in Opus, 24 kbit/s, 20 ms a packet."""
    for call in range(CALLS):
        for side in "ab":
            check("nice", "ffmpeg", "-v", "error", "-y", "-ss", str(_SPEECH_STEP_S * (call // _SPEECHES)), "-t",
                  str(_CALL_SECONDS), "-i", lab.path("speech", f"call{call % _SPEECHES}-{side}.wav"), "-c:a", "libopus",
                  "-application", "voip", "-b:a", "24k", "-vbr", "on", "-frame_duration", "20",
                  os.path.join(folder, f"call{call}-{side}.mka"))


def _sparse(path, size):
    with open(path, "wb") as file:
        file.truncate(size)


def _files(folder, _lab):
    _sparse(os.path.join(folder, "image.iso"), _FILE_BYTES)


def _swarm(folder, _lab):
    """Two files: `down` comes from others, `up` is what the home gives."""
    for name in ("down", "up"):
        _sparse(os.path.join(folder, name), _SWARM_BYTES)


def torrent(name, tracker):
    """The torrent of one of the swarm's files; its bytes, and its hash in hexadecimal."""
    piece = hashlib.sha1(bytes(_PIECE_BYTES)).digest()
    info = {"name": name, "length": _SWARM_BYTES, "piece length": _PIECE_BYTES,
            "pieces": piece * (_SWARM_BYTES // _PIECE_BYTES), "private": 1}
    return bencode({"announce": f"http://{tracker}/announce", "info": info}), hashlib.sha1(bencode(info)).hexdigest()
