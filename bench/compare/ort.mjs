// ONNX Runtime on a model file and sparse windows: `node ort.mjs MODEL < WINDOWS.json > ANSWERS.json`.
// WINDOWS.json is an array of windows, each an array of [index, value]; the answers are arrays of
// probabilities. onnxruntime-node is looked up from the directory that ORT_DIR names.
import {createRequire} from 'module';
import {readFileSync} from 'fs';

const require = createRequire((process.env.ORT_DIR ?? process.cwd()) + '/');
const ort = require('onnxruntime-node');

/// The output with the probabilities: named so, or the only float tensor.
export function probabilitiesOf(session) {
  const names = session.outputNames;
  return names.find((name) => name === 'probabilities' || name === 'output_probability') ??
      names[names.length - 1];
}

/// The input's shape with the batch made 1; [1, length] where it is open.
export function inputShape(session, length) {
  const meta = session.inputMetadata[0];
  const shape = meta.shape.map((dim, i) => i === 0 ? 1 : Number(dim));
  return shape.slice(1).some((dim) => !(dim > 0)) ? [1, length] : shape;
}

export async function open(path) {
  return ort.InferenceSession.create(path, {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
  });
}

export function tensor(shape, window) {
  const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
  for (const [index, value] of window) data[index] = value;
  return new ort.Tensor('float32', data, shape);
}

if (process.argv[1].endsWith('ort.mjs')) {
  const session = await open(process.argv[2]);
  const windows = JSON.parse(readFileSync(0, 'utf8'));
  const output = probabilitiesOf(session);
  const length = Number(process.argv[3] ?? 0);
  const answers = [];
  for (const window of windows) {
    const input = tensor(inputShape(session, length), window);
    const got = await session.run({[session.inputNames[0]]: input}, [output]);
    answers.push(Array.from(got[output].data));
  }
  console.log(JSON.stringify(answers));
}
