import { createOnnxLoader } from '../../../src/backends/onnx/onnx-loader.ts';
import { openSession } from '../../../src/backends/onnx/session.ts';
import type { Catalog } from '../../../src/core/catalog.ts';
import { DATATYPES } from '../../../src/core/datatypes.ts';
import { asError } from '../../../src/core/errors.ts';
import { fromHalf, toHalf } from '../../../src/core/half.ts';
import type { ModelVersion } from '../../../src/core/model.ts';
import type { Tensor, TensorType } from '../../../src/core/tensor.ts';
import { createHttpApi } from '../../../src/http/api.ts';
import { planOutputs } from '../../../src/http/output-plan.ts';
import { toTensors } from '../../../src/http/output-tensors.ts';
import type { RawCard } from '../../../src/models/card.ts';
import { type OpenedFiles, openModelFiles } from '../../../src/models/open-files.ts';
import { dataFor } from '../../../src/scoring/rows/elements.ts';
import { nest } from '../../../src/scoring/rows/shapes.ts';
import type { Scoring } from '../../../src/scoring/scoring.ts';
import { batchOf, quiet } from '../../support/events.ts';
import { catalogOf } from '../../support/onnx-model.ts';
import { openScoring } from '../../support/open-scoring.ts';
import { type AnswerTensor, difference } from './differences.ts';
import type { SuiteTensor } from './read-tensor.ts';
import { type Case, caseOf, type SuiteModel } from './suite.ts';

export interface Verdict {
  /** `runtime`: as ONNX Runtime answers where it is asked directly, which is not what the suite expects. */
  readonly verdict: 'equal' | 'runtime' | 'refused' | 'wrong' | 'dead';
  readonly unbatched?: boolean;
  /** It needed a card with an example of an instance, as its refusal advises. */
  readonly example?: boolean;
  /** Of what is not equal. */
  readonly why?: string;
}

const MAX_BYTES = 64 * 1024 * 1024;
const loader = createOnnxLoader({ threads: 0, inlineMaxMs: 5, workerMinMs: 5, log: quiet });

/**
 * Opens a model as push and the functions do, asks it by an Open Inference request for what the suite gives it, by HTTP and as an event, and holds the answers against what the suite expects. Without a card; where the refusal
 * says that an example would help, once more with the suite's own inputs as one.
 */
export async function scoreModel(model: SuiteModel): Promise<Verdict> {
  const given = caseOf(model);
  const first = await tryWith(model, given, {} as RawCard);
  if (first.verdict !== 'refused' || !first.why?.includes('give an instance')) return first;
  const example = Object.fromEntries(Object.entries(given.inputs).map(([name, tensor]) => [name, nested(tensor)]));
  const second = await tryWith(model, given, { example } as unknown as RawCard);
  return second.verdict === 'refused' ? first : { ...second, example: true };
}

async function tryWith(model: SuiteModel, given: Case, card: RawCard): Promise<Verdict> {
  let opened: OpenedFiles;
  try {
    const files = { name: 'm', version: '1.0.0', file: model.file, card: undefined };
    opened = await openModelFiles(files, card, [loader]);
  } catch (thrown) {
    return { verdict: 'refused', why: asError(thrown).message.replaceAll(model.file, 'model') };
  }
  try {
    const { unbatched = false } = opened.version.signature;
    const verdict = await ask(opened, given);
    if (verdict.verdict !== 'wrong') return { unbatched, ...verdict };
    const { varies = false } = opened.version.backend.info;
    if (varies) return { unbatched, verdict: 'runtime', why: 'its answers differ from run to run, which push says' };
    const direct = await ask(opened, { ...given, expected: await runDirectly(model, given) });
    return { unbatched, ...verdict, ...(direct.verdict === 'equal' && { verdict: 'runtime' }) };
  } finally {
    await opened.close();
  }
}

/** What ONNX Runtime says of a case without us in between. */
async function runDirectly({ file }: SuiteModel, { inputs, expected }: Case): Promise<Case['expected']> {
  const session = await openSession(file);
  const outputs = await session.run(
    Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, toTensor(tensor)])),
  );
  await session.release();
  const answered = Object.entries(outputs).filter(([name]) => name in expected);
  return Object.fromEntries(answered.map(([name, tensor]) => [name, toSuite(tensor)]));
}

function toTensor({ type, dims, values }: SuiteTensor): Tensor {
  const data = dataFor(type as TensorType, values.length);
  values.forEach((value, i) => {
    data[i] = (type === 'float16' ? toHalf(value as number) : value) as never;
  });
  return { type: type as TensorType, dims, data };
}

function toSuite({ type, dims, data }: Tensor): SuiteTensor {
  const values = Array.from(data as ArrayLike<number | bigint | string>);
  return { type, dims, values: type === 'float16' ? values.map(half => fromHalf(half as number)) : values };
}

/** As a request has a feature. */
function nested({ dims, values }: SuiteTensor): unknown {
  return nest(
    values.map(value => (typeof value === 'bigint' ? Number(value) : value)),
    dims,
  );
}

async function ask({ version }: OpenedFiles, { inputs, expected }: Case): Promise<Verdict> {
  const catalog = catalogOf(version);
  const scoring = openScoring(catalog, { maxBodyBytes: MAX_BYTES });
  const body = JSON.stringify({ inputs: Object.entries(inputs).map(([name, tensor]) => inputOf(name, tensor)) });
  const { status, text } = await askByHttp(catalog, scoring, body);
  if (status !== 200) return { verdict: 'refused', why: `${status} ${JSON.parse(text).error}` };
  const answer = JSON.parse(text) as { readonly outputs: readonly AnswerTensor[] };
  if (JSON.stringify(answer.outputs) !== JSON.stringify(await askByHub(version, scoring, body)))
    return { verdict: 'wrong', why: 'the hub has another answer' };
  const { outputs } = parse(text) as typeof answer;
  for (const [name, wanted] of Object.entries(expected)) {
    const got = outputs.find(output => output.name === name);
    const datatype = DATATYPES[wanted.type as keyof typeof DATATYPES] ?? wanted.type;
    const why = got === undefined ? 'is not there' : difference(got, datatype, wanted);
    if (why !== undefined) return { verdict: 'wrong', why: `output ${name}: ${why}` };
  }
  // A classifier without a label of its own is given one.
  const unasked = outputs.find(({ name }) => !(name in expected) && name !== 'label');
  if (unasked) return { verdict: 'wrong', why: `output ${unasked.name} is none of the file's` };
  return { verdict: 'equal' };
}

async function askByHttp(catalog: Catalog, { predict, score }: Scoring, body: string) {
  const api = createHttpApi({
    jobs: () => Promise.reject(new Error('there are no jobs here')),
    catalog,
    predict,
    score,
    record: () => {},
    recordSlices: () => {},
    recordAsked: () => {},
    recordHttp: () => {},
    prometheus: async () => '',
    version: '0.0.0',
    maxBodyBytes: MAX_BYTES,
    maxConcurrent: 1,
    timeoutMs: 60_000,
    clock: Date.now,
    log: quiet,
  });
  const { buffer, byteOffset, byteLength } = Buffer.from(body);
  const { status, body: reply } = await api.answer('v2-infer', {
    params: { name: 'm' },
    headers: new Headers(),
    arrayBuffer: async () => buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer,
  });
  return { status, text: String(reply) };
}

/** The same as an event's result says it, as tensors. */
async function askByHub(version: ModelVersion, scoring: Scoring, body: string): Promise<unknown> {
  const scored = await scoring.score(batchOf([body]), new AbortController().signal);
  const result = JSON.parse(scored.outcomes()[0]?.body.toString() ?? '');
  if (result.error !== undefined) return result.error;
  return toTensors(planOutputs(version), result.predictions ?? [result]);
}

function inputOf(name: string, { type, dims, values }: SuiteTensor) {
  const data = values.map(value => {
    if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
    if (type === 'bool') return value === 1;
    return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
  });
  return { name, shape: dims, datatype: DATATYPES[type as keyof typeof DATATYPES] ?? type, data };
}

/** With integers beyond 2^53 as they are. */
function parse(text: string): unknown {
  const reviver = (_: string, value: unknown, { source }: { source?: string } = {}) =>
    typeof value === 'number' && source !== undefined && /^-?\d{16,}$/.test(source) ? BigInt(source) : value;
  return JSON.parse(text, reviver as (key: string, value: unknown) => unknown);
}
