// What a page does on a fast line: plays a film with adaptive rate, or moves files. Evaluated in a
// page of the server; `report` tells how it goes.

const report = {bytes: 0, requests: 0, pending: 0, error: null, done: false};

function dice(seed) {  // mulberry32: the same draws for the same seed
  return () => {
    seed = (seed + 0x6D2B79F5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const now = () => performance.now() / 1000;
const sleep = (seconds) => new Promise((wake) => setTimeout(wake, 1000 * Math.max(0, seconds)));

async function get(url, from, size, signal) {
  const headers = from === undefined ? {} : {Range: `bytes=${from}-${from + size - 1}`};
  report.pending++;
  const answer = await fetch(url, {headers, cache: 'no-store', signal});
  if (answer.status !== (from === undefined ? 200 : 206)) throw Error(`${url}: HTTP status ${answer.status}`);
  const reader = answer.body.getReader();
  for (;;) {  // as a player does: what has come is handed on at once
    const {done, value} = await reader.read();
    if (done) break;
    report.bytes += value.length;
  }
  report.pending--;
  report.requests++;
}

class Track {  // of one rendition or of the sound: fetched piece by piece, or by ranges of bytes
  constructor(film) {
    this.film = film;
    this.total = film.pieces.reduce((sum, piece) => sum + piece[1], 0);
    this.first = film.pieces[0][0];
  }
  // [from, bytes, seconds] of what comes at `second` of the film, `want` seconds or (bytes > 0) bytes of it.
  next(second, want, bytes) {
    const count = this.film.pieces.length, length = 2 * count;
    const at = Math.floor((second % length) / 2);
    if (bytes > 0) {
      const from = this.first + Math.floor((second % length) / length * this.total);
      const size = Math.min(bytes, this.first + this.total - from);
      return [from, size, Math.max(0.05, size / this.total * length)];
    }
    const last = Math.min(count, at + Math.max(1, Math.round(want / 2)));
    const from = this.film.pieces[at][0];
    const size = this.film.pieces.slice(at, last).reduce((sum, piece) => sum + piece[1], 0);
    return [from, size, 2 * (last - at)];
  }
}

async function play(p) {
  const draw = dice(p.seed), end = now() + p.seconds, stop = AbortSignal.timeout(1000 * p.seconds);
  const video = p.film.video.map((film) => new Track(film)), audio = new Track(p.film.audio);
  let rate = 0, buffered = 0, sound = 0, at = 20 * draw(), bytes = p.bytes > 0 ? p.firstBytes : 0;
  let level = 0, seen = now(), playing = false, filling = true, frozen = 0;
  const elapse = () => {
    const t = now(), passed = playing ? Math.max(0, t - Math.max(seen, frozen)) : 0;
    buffered = Math.max(0, buffered - passed);
    sound = Math.max(0, sound - passed);
    seen = t;
  };
  // The index of each rendition comes first.
  const begin = (track) => get(p.base + track.film.name, 0, track.first, stop);
  await Promise.all([begin(video[0]), p.audio ? begin(audio) : 0]);
  while (now() < end) {
    const share = buffered < 8 ? 0.6 : 0.85;
    let best = 0;
    for (let i = 0; i <= p.best; i++) if (1000 * p.film.video[i].kbit <= share * rate) best = i;
    if (best !== level) await begin(video[level = best]);
    if (draw() < p.jumps) { buffered = sound = 0; at = 60 * draw(); filling = true; }
    if (draw() < p.pauses) frozen = now() + 3 + 9 * draw();
    const [from, size, seconds] = video[level].next(at, p.segment, bytes);
    const start = now();
    const jobs = [get(p.base + video[level].film.name, from, size, stop)];
    if (p.audio && sound < buffered + seconds) {
      const [aFrom, aSize, aSeconds] = audio.next(at + sound - buffered, p.audio, 0);
      const part = get(p.base + audio.film.name, aFrom, aSize, stop).then(() => { sound += aSeconds; });
      if (p.oneByOne) await part; else jobs.push(part);
    }
    await Promise.all(jobs);
    const measured = 8 * size / Math.max(1e-3, now() - start);
    rate = rate ? 0.7 * rate + 0.3 * measured : measured;
    if (bytes > 0) bytes = Math.min(p.bytes, 2 * bytes);  // short ones first: the picture comes sooner
    elapse();
    buffered += seconds;
    at += seconds;
    playing = playing || buffered > p.startAt;
    filling = buffered + seconds <= p.most;
    // A full buffer plays down by `slack` before it is filled again, or to its last second where a piece is long.
    const least = Math.max(1, p.most - p.slack - seconds);
    while (!filling && now() < end) {
      await sleep(Math.min(0.1, end - now()));
      elapse();
      filling = buffered <= least;
    }
  }
}

async function move(p) {  // files of the list down, or up as many bytes of noise, with a person's pauses between
  const end = now() + p.seconds, stop = AbortSignal.timeout(1000 * p.seconds);
  const noise = new Uint8Array(1 << 16);
  crypto.getRandomValues(noise);
  for (const file of p.files) {
    if (now() > end - 1) break;
    if (p.up) {
      const body = new Blob(Array(Math.ceil(file.bytes / noise.length)).fill(noise));
      const answer = await fetch(file.url, {method: 'PUT', body, signal: stop});
      if (!answer.ok) throw Error(`${file.url}: HTTP status ${answer.status}`);
      report.bytes += body.size;
      report.requests++;
    } else {
      await get(file.url, undefined, 0, stop);
    }
    await sleep(Math.min(file.pause, end - now()));
  }
}

function start(work) {
  work.then(() => { report.done = true; }, (error) => {
    report.done = true;
    if (error.name !== 'TimeoutError' && error.name !== 'AbortError') report.error = String(error);
  });
}
