"""What the servers serve and the callers say, made once for each split and kept in the cache.

Train, test and demo get different speech, films, sites and files, so that no model can recognise
a recording by its content.
"""

import json
import os
import random
import shutil
import wave
from array import array

from . import cameras, shows
from .process import check

_SPEECH_RATE = 16000
_CALL_SECONDS = 150
_FILM_SECONDS = 150
_RENDITIONS = ((320, 180, 350), (480, 270, 700), (640, 360, 1300))  # width, height, kbit/s
_FILMS = {"train": ("testsrc2", "mandelbrot"), "test": ("life",), "demo": ("cellauto",)}
_SOURCES = {
    "testsrc2": "testsrc2=size=640x360:rate=25,noise=alls=12:allf=t",
    "mandelbrot": "mandelbrot=size=640x360:rate=25:maxiter=300,noise=alls=6:allf=t",
    "life": "life=size=320x180:rate=25:mold=10:ratio=0.2:seed=7,scale=640:360,noise=alls=10:allf=t",
    "cellauto": "cellauto=size=320x180:rate=25:rule=110:seed=5,scale=640:360,noise=alls=8:allf=t",
}
SITES = {"train": 10, "test": 6, "demo": 4}
ALBUMS = {"train": 4, "test": 3, "demo": 0}  # sites of photographs

_OPENINGS = ("Well", "Listen", "You know", "Honestly", "By the way", "Right", "So", "Actually", "Look")
_SUBJECTS = ("my sister", "the train", "our neighbour", "the committee", "that restaurant", "the doctor",
             "the new printer", "half of the team", "the weather in Lisbon", "your old bicycle")
_VERBS = ("arrived late again", "was better than I had expected", "needs to be looked at before Friday",
          "cost nearly twice as much", "has been moved to the second floor", "still makes that noise",
          "surprised everybody at dinner", "will not be ready before the holidays")
_ENDINGS = ("and I do not know what to do about it.", "so we should talk to them tomorrow.",
            "which is fine with me.", "but what do you think?", "as far as I can tell.",
            "and that was all she said.", "unless something changes on Monday, of course.")
_LISTENING = ("Mhm.", "Yes.", "Oh really?", "Right.", "I see.", "No!")
_VOICES = ("en-us", "en-gb", "en-gb-scotland", "en-us+f3", "en-gb+f2", "en-us+m3", "en-gb-x-rp+f4")


class Content:
    def __init__(self, cache, split, seed):
        self.folder = os.path.join(cache, "content", split)
        self._split = split
        self._seed = seed
        self._random = random.Random(f"{seed}-{split}-content")

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def make(self, only=None):
        """Everything, or the folders in `only`."""
        for name, maker in (("speech", self._speech), ("films", self._films), ("sites", self._sites),
                            ("files", self._files), ("swarm", self._swarm), ("shows", self._shows),
                            ("cameras", self._cameras), ("albums", self._albums)):
            final, temporary = self.path(name), self.path(name + ".part")
            if os.path.isdir(final) or (only and name not in only):
                continue
            shutil.rmtree(temporary, ignore_errors=True)
            os.makedirs(temporary)
            maker(temporary)
            os.rename(temporary, final)

    # -- speech: two people taking turns; each side is a file as long as the call

    def _say(self, folder, text, voice, speed):
        path = os.path.join(folder, "utterance.wav")
        check("espeak-ng", "-v", voice, "-s", str(speed), "-w", path, text)
        with wave.open(path) as file:
            rate, samples = file.getframerate(), array("h", file.readframes(file.getnframes()))
        os.remove(path)
        count = len(samples) * _SPEECH_RATE // rate
        return array("h", (samples[i * rate // _SPEECH_RATE] for i in range(count)))

    def _sentence(self):
        pick = self._random.choice
        return f"{pick(_OPENINGS)}, {pick(_SUBJECTS)} {pick(_VERBS)} {pick(_ENDINGS)}"

    def _speech(self, folder):
        for call in range(6 if self._split == "train" else 3):
            voices = self._random.sample(_VOICES, 2)
            speeds = [self._random.randint(145, 190) for _ in voices]
            length = _CALL_SECONDS * _SPEECH_RATE
            # Room noise of some 45 dB below speech: a microphone never gives pure zero.
            room = [self._random.randint(-40, 40) for _ in range(1 << 15)]
            sides = [array("h", (room[(i * 7 + side) & 0x7FFF] for i in range(length))) for side in (0, 1)]
            at, speaker = _SPEECH_RATE // 2, 0
            while at < length:
                turn = " ".join(self._sentence() for _ in range(self._random.choice((1, 1, 2, 2, 3))))
                speech = self._say(folder, turn, voices[speaker], speeds[speaker])
                self._mix(sides[speaker], at, speech)
                if self._random.random() < 0.4:
                    answer = self._say(folder, self._random.choice(_LISTENING), voices[1 - speaker],
                                       speeds[1 - speaker])
                    self._mix(sides[1 - speaker], at + len(speech) // 2, answer)
                at += len(speech) + int(self._random.uniform(0.15, 1.2) * _SPEECH_RATE)
                speaker = 1 - speaker
            for name, samples in zip("ab", sides):
                with wave.open(os.path.join(folder, f"call{call}-{name}.wav"), "wb") as file:
                    file.setnchannels(1)
                    file.setsampwidth(2)
                    file.setframerate(_SPEECH_RATE)
                    file.writeframes(samples.tobytes())

    @staticmethod
    def _mix(track, at, speech):
        for i, sample in enumerate(speech[:max(0, len(track) - at)]):
            track[at + i] = max(-32768, min(32767, track[at + i] + sample))

    # -- films: HLS of three renditions, DASH of the same, and one file for progressive playing

    def _films(self, folder):
        for number, name in enumerate(_FILMS[self._split]):
            film = os.path.join(folder, f"film{number}")
            os.makedirs(film)
            segment = self._random.choice((4, 6))
            mezzanines = []
            for width, height, rate in _RENDITIONS:
                path = os.path.join(film, f"{height}p.mp4")
                mezzanines += ["-i", path]
                check("nice", "ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", _SOURCES[name],
                      "-f", "lavfi", "-i", "anoisesrc=color=pink:amplitude=0.2,aformat=channel_layouts=stereo",
                      "-t", str(_FILM_SECONDS), "-vf", f"scale={width}:{height}",
                      "-c:v", "libx264", "-preset", "ultrafast", "-threads", "1", "-pix_fmt", "yuv420p",
                      "-b:v", f"{rate}k", "-maxrate", f"{int(rate * 1.4)}k", "-bufsize", f"{rate * 3}k",
                      "-g", "50", "-keyint_min", "50", "-sc_threshold", "0",
                      "-c:a", "aac", "-b:a", "96k", "-movflags", "+faststart", path)
            maps = [word for i in range(len(_RENDITIONS)) for word in ("-map", f"{i}:v", "-map", f"{i}:a")]
            variants = " ".join(f"v:{i},a:{i}" for i in range(len(_RENDITIONS)))
            os.makedirs(os.path.join(film, "hls"))
            check("ffmpeg", "-v", "error", "-y", *mezzanines, *maps, "-c", "copy", "-f", "hls",
                  "-hls_time", str(segment), "-hls_playlist_type", "vod", "-master_pl_name", "master.m3u8",
                  "-var_stream_map", variants, "-hls_segment_filename", f"{film}/hls/v%v-%03d.ts",
                  f"{film}/hls/v%v.m3u8")
            maps = [word for i in range(len(_RENDITIONS)) for word in ("-map", f"{i}:v")] + ["-map", "0:a"]
            os.makedirs(os.path.join(film, "dash"))
            check("ffmpeg", "-v", "error", "-y", *mezzanines, *maps, "-c", "copy", "-f", "dash",
                  "-seg_duration", str(segment), "-adaptation_sets", "id=0,streams=v id=1,streams=a",
                  f"{film}/dash/manifest.mpd")

    # -- sites: pages of HTML, style sheets, scripts and pictures with the sizes the web has

    def _size(self, median, sigma, low, high):
        return int(min(high, max(low, self._random.lognormvariate(0, sigma) * median)))

    def _sites(self, folder):
        for number in range(SITES[self._split]):
            site = os.path.join(folder, f"site{number}")
            os.makedirs(os.path.join(site, "o"))
            shared = [self._object(site, "js", self._size(35000, 0.9, 2000, 350000)) for _ in range(5)]
            shared += [self._object(site, "css", self._size(15000, 0.8, 1000, 120000)) for _ in range(2)]
            pages = self._random.randint(6, 10)
            for page in range(pages):
                self._page(site, page, pages, shared)

    def _object(self, site, suffix, size):
        name = f"o/{self._random.randrange(1 << 40):010x}.{suffix}"
        with open(os.path.join(site, name), "wb") as file:
            # Scripts and styles must parse: their bulk is one comment.
            data = self._random.randbytes(size // 2).hex().encode()
            file.write(b"/*" + data + b"*/" if suffix in ("js", "css") else self._random.randbytes(size))
        return name

    def _page(self, site, page, pages, shared):
        pictures = [self._object(site, "jpg", self._size(14000, 1.2, 300, 900000))
                    for _ in range(self._size(22, 0.7, 4, 90))]
        own = [self._object(site, "js", self._size(20000, 1.0, 500, 200000))
               for _ in range(self._random.randint(0, 4))]
        # What comes in later: pictures further down, and answers to the page's own questions.
        split = int(len(pictures) * self._random.uniform(0.5, 0.9))
        late = [self._object(site, "json", self._size(4000, 1.0, 200, 60000))
                for _ in range(self._random.randint(1, 6))]
        plan = {"now": shared + own + pictures[:split], "late": pictures[split:] + late}
        name, protocol = os.path.basename(site), int(os.path.basename(site)[4:]) % 2
        hosts = [f"https://{name}.lab/", f"https://cdn{protocol}.lab/{name}/", f"https://media{protocol}.lab/{name}/"]
        urls = {step: [self._random.choices(hosts, (3, 4, 2))[0] + item for item in items]
                for step, items in plan.items()}
        lines = ["<!doctype html><html><head><meta charset=utf-8><title>page</title>",
                 "<link rel=icon href='data:,'>"]
        for url in urls["now"]:
            if url.endswith("css"):
                lines.append(f"<link rel=stylesheet href='{url}'>")
            elif url.endswith("js"):
                lines.append(f"<script async src='{url}'></script>")
            else:
                lines.append(f"<img src='{url}' width=120 height=80>")
        delays = sorted(self._random.uniform(400, 9000) for _ in urls["late"])
        lines.append("<script>" + ";".join(
            f"setTimeout(()=>fetch('{url}',{{mode:'no-cors'}}),{delay:.0f})"
            for url, delay in zip(urls["late"], delays)) + ";setInterval(()=>fetch('/beacon',"
            f"{{method:'POST',body:'x'.repeat({self._random.randint(200, 1500)})}}),"
            f"{self._random.randint(4000, 12000)})</script></head><body>")
        lines += [f"<a href='page{other}.html'>{other}</a>" for other in range(pages) if other != page]
        lines.append("<p>" + self._random.randbytes(self._size(16000, 0.8, 2000, 120000)).hex() + "</p></body></html>")
        with open(os.path.join(site, f"page{page}.html"), "w", encoding="utf-8") as file:
            file.write("\n".join(lines))
        with open(os.path.join(site, f"page{page}.json"), "w", encoding="utf-8") as file:
            json.dump(urls, file)

    # -- albums: pages of photographs, some of them fetched as the reader scrolls

    def _albums(self, folder):
        dice = random.Random(f"{self._seed}-{self._split}-albums")
        self._random = dice  # what _object() and _size() draw from
        for number in range(ALBUMS[self._split]):
            site = os.path.join(folder, f"site{number}")
            os.makedirs(os.path.join(site, "o"))
            median = dice.choice((50000, 120000, 250000))
            hosts = [f"https://{host}/albums/site{number}/" for host in ("cdn0.lab", "media0.lab", "film.lab")]
            shared = [dice.choice(hosts) + self._object(site, suffix, self._size(30000, 0.8, 2000, 300000))
                      for suffix in ("js", "js", "css")]
            for page in range(8):
                photographs = [dice.choices(hosts, (6, 3, 1))[0] + self._object(
                    site, "jpg", self._size(median, 0.8, 4000, 3000000)) for _ in range(self._size(24, 0.5, 8, 70))]
                first = max(4, len(photographs) * dice.choice((1, 1, 2, 3)) // 4)
                self._album_page(site, page, shared, photographs[:first], photographs[first:])

    def _album_page(self, site, page, shared, first, late):
        delays = sorted(self._random.uniform(700, 6000) for _ in late)
        lines = ["<!doctype html><html><head><meta charset=utf-8><title>album</title><link rel=icon href='data:,'>"]
        lines += [f"<link rel=stylesheet href='{url}'>" if url.endswith("css") else
                  f"<script async src='{url}'></script>" for url in shared]
        lines.append("<script>" + ";".join(f"setTimeout(()=>fetch('{url}',{{mode:'no-cors'}}),{delay:.0f})"
                                           for url, delay in zip(late, delays)) + "</script></head><body>")
        lines += [f"<img src='{url}' width=300 height=200>" for url in first]
        with open(os.path.join(site, f"page{page}.html"), "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "</body></html>\n")
        with open(os.path.join(site, f"page{page}.json"), "w", encoding="utf-8") as file:
            json.dump({"now": shared + first, "late": late}, file)

    # -- files: from a photograph to a disk image

    def _files(self, folder):
        for number in range(12):
            size = int(min(48e6, max(1.5e5, self._random.lognormvariate(15.2, 1.3))))
            with open(os.path.join(folder, f"file{number:02d}-{size}.bin"), "wb") as file:
                for _ in range(size >> 16):
                    file.write(self._random.randbytes(1 << 16))

    def _shows(self, folder):
        shows.make(folder, self._split, random.Random(f"{self._seed}-{self._split}-shows"))

    def _cameras(self, folder):
        cameras.make(folder, self._split, random.Random(f"{self._seed}-{self._split}-cameras"))

    def _swarm(self, folder):
        """More than a session can fetch, so that a client is leeching from start to end."""
        for number in range(2):
            with open(os.path.join(folder, f"image{number}.iso"), "wb") as file:
                for _ in range(72):
                    file.write(self._random.randbytes(1 << 20))
