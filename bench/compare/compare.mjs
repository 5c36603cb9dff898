// flowmark beside ONNX Runtime (and libtorch, if python3-torch is there): the same model files, the
// same windows, one thread each, one window at a time, taking turns within one run.
//   node compare.mjs BENCH_PROGRAM DIR [--json]
// BENCH_PROGRAM is inference_bench, DIR what `inference_bench --make DIR` wrote. compare.sh does it
// all.
import {spawn} from 'child_process';
import {existsSync, readFileSync} from 'fs';
import {dirname, join} from 'path';
import {createInterface} from 'readline';
import {fileURLToPath} from 'url';

import {inputShape, open, probabilitiesOf, tensor} from './ort.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const [program, folder] = process.argv.slice(2);
const asJson = process.argv.includes('--json');
const kRounds = 15;

/// A program that answers a line with a line.
class Server {
  constructor(command, args) {
    this.child = spawn(command, args, {stdio: ['pipe', 'pipe', 'inherit']});
    this.lines = createInterface({input: this.child.stdout})[Symbol.asyncIterator]();
  }
  async line() {
    const {value, done} = await this.lines.next();
    if (done) throw new Error('the server ended');
    return value;
  }
  async ask(text) {
    this.child.stdin.write(text + '\n');
    return JSON.parse(await this.line());
  }
  end() { this.child.stdin.end(); }
}

class Runtime {
  constructor(session, windows) {
    const length = Math.max(...windows.flat().map(([index]) => index)) + 1;
    this.session = session;
    this.output = [probabilitiesOf(session)];
    this.shape = inputShape(session, length);
  }
  /// Microseconds of the least of `repeat` runs, and the answer. The input is ready beforehand.
  async ask(window, repeat) {
    const feeds = {[this.session.inputNames[0]]: tensor(this.shape, window)};
    let least = Infinity, data = null;
    for (let i = 0; i < repeat; ++i) {
      const start = process.hrtime.bigint();
      const got = await this.session.run(feeds, this.output);
      least = Math.min(least, Number(process.hrtime.bigint() - start) / 1000);
      data = got[this.output[0]].data;
    }
    return {us: least, probabilities: Array.from(data)};
  }
  /// The same per window for many at once, which spares it the cost of a call.
  async askMany(windows) {
    const size = this.shape.reduce((a, b) => a * b, 1);
    const count = 256;
    const all = [];
    for (let i = 0; i < count; ++i) {
      for (const [index, value] of windows[i % windows.length]) {
        all.push([(i * size) + index, value]);
      }
    }
    const input = tensor([count, ...this.shape.slice(1)], all);
    const feeds = {[this.session.inputNames[0]]: input};
    let least = Infinity;
    for (let i = 0; i < kRounds; ++i) {
      const start = process.hrtime.bigint();
      await this.session.run(feeds, this.output);
      least = Math.min(least, Number(process.hrtime.bigint() - start) / 1000 / count);
    }
    return least;
  }
}

const median = (values) => values.slice().sort((a, b) => a - b)[values.length >> 1];

async function compareModel(name) {
  const path = join(folder, name + '.onnx');
  const windowsPath = join(folder, name + '.windows.json');
  const groups = JSON.parse(readFileSync(windowsPath, 'utf8'));
  const runtime = new Runtime(await open(path), groups.flatMap((group) => group.windows));
  const own = new Server(program, ['--serve', path, windowsPath]);
  const target = await own.line();
  const reduced = name.startsWith('flowpic') ?
      new Server(program, ['--bf16', '--serve', path, windowsPath]) : null;
  await reduced?.line();
  const torchProgram = join(here, 'torch_serve.py');
  const torch = name.startsWith('flowpic') && process.env.NO_TORCH === undefined ?
      new Server('/usr/bin/python3', [torchProgram, path, windowsPath]) : null;
  const withTorch = torch !== null && await torch.line() === 'ready';
  let at = 0;
  for (const group of groups) {
    const times = {own: [], reduced: [], ort: [], torch: []};
    let off = 0, reducedOff = 0;
    for (const window of group.windows) {
      const least = {own: Infinity, reduced: Infinity, ort: Infinity, torch: Infinity};
      for (let round = 0; round < kRounds; ++round) {
        const mine = await own.ask(`${at} 20`);
        const theirs = await runtime.ask(window, 2);
        least.own = Math.min(least.own, mine.us);
        least.ort = Math.min(least.ort, theirs.us);
        if (reduced !== null) {
          const rounded = await reduced.ask(`${at} 20`);
          least.reduced = Math.min(least.reduced, rounded.us);
          rounded.probabilities.forEach((p, c) => {
            reducedOff = Math.max(reducedOff, Math.abs(p - mine.probabilities[c]));
          });
        }
        theirs.probabilities.forEach((p, c) => {
          off = Math.max(off, Math.abs(p - mine.probabilities[c]));
        });
        if (withTorch && round < 3) {
          least.torch = Math.min(least.torch, (await torch.ask(`${at} 1`)).us);
        }
      }
      for (const key of Object.keys(least)) times[key].push(least[key]);
      ++at;
    }
    const row = {model: name, target, values: group.values, origin: group.origin,
                 flowmark_us: median(times.own), ort_us: median(times.ort),
                 torch_us: withTorch ? median(times.torch) : null, difference: off};
    if (reduced !== null) {
      row.bf16_us = median(times.reduced);
      row.bf16_difference = reducedOff;
    }
    if (name.startsWith('forest')) row.ort_batch_us = await runtime.askMany(group.windows);
    print(row);
  }
  own.end();
  reduced?.end();
  torch?.end();
}

function print(row) {
  if (asJson) return console.log(JSON.stringify(row));
  const text = [
    row.model.padEnd(12), String(row.values).padStart(6), row.origin.padStart(10),
    row.flowmark_us.toFixed(2).padStart(10), row.ort_us.toFixed(1).padStart(10),
    (row.ort_us / row.flowmark_us).toFixed(0).padStart(7),
    (row.torch_us?.toFixed(0) ?? '-').padStart(9),
    (row.ort_batch_us?.toFixed(2) ?? '-').padStart(10),
    row.difference.toExponential(1).padStart(10),
    (row.bf16_us?.toFixed(2) ?? '-').padStart(9),
    (row.bf16_difference?.toExponential(1) ?? '-').padStart(10),
  ];
  console.log(text.join(' '));
}

if (!asJson) {
  console.log('model        values     origin   flowmark        ORT   ratio  libtorch  ORT/batch ' +
              'difference      bf16       off   (us a window)');
}
for (const name of ['flowpic1500', 'flowpic300', 'forest100', 'forest500']) {
  if (existsSync(join(folder, name + '.onnx'))) await compareModel(name);
}
process.exit(0);
