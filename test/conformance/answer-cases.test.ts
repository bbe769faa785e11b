import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { batchOf, NOON } from '../support/events.ts';
import { catalogOf, openModel } from '../support/onnx-model.ts';
import { openScoring } from '../support/open-scoring.ts';

const CASES = resolve(import.meta.dirname, '../fixtures/cases');

interface Case {
  readonly requests: readonly { readonly features: unknown }[];
  readonly expected: readonly Record<string, unknown>[];
}

type Answer = Record<string, unknown>;

/** What a model of those that once were answered wrongly says of its case's instances, one a row. */
async function answersOf(name: string, card: object = {}): Promise<{ answers: Answer[]; expected: Case['expected'] }> {
  const { requests, expected } = JSON.parse(readFileSync(join(CASES, name, 'case.json'), 'utf8')) as Case;
  const version = await openModel(join(CASES, name), card);
  const scoring = openScoring(catalogOf(version), { clock: () => NOON + 1 });
  const scored = await scoring.score(batchOf(requests), new AbortController().signal);
  const bodies = scored.outcomes().map(({ body }) => JSON.parse(body.toString()) as Answer);
  await version.backend.close();
  return { answers: bodies.flatMap(body => (body.predictions as Answer[] | undefined) ?? [body]), expected };
}

/** The same with numbers to so many digits. */
const round = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value), (_, part) => (typeof part === 'number' ? Number(part.toPrecision(4)) : part));

describe('a multilabel classifier', () => {
  it('answers with the list of its flags, probabilities by label and no confidence', async () => {
    const { answers, expected } = await answersOf('multilabel-as-multiclass-mlp');
    expect(answers.map(round)).toEqual(
      expected.map(({ prediction, probabilities }) => round({ prediction, probabilities })),
    );
    const named = await answersOf('multilabel-as-multiclass-mlp', { outputs: { classes: ['a', 'b', 'c'] } });
    expect(named.answers.map(round)).toEqual([
      { prediction: [1, 0, 1], probabilities: { a: 0.5173, b: 0.4004, c: 0.6435 } },
      { prediction: [0, 0, 1], probabilities: { a: 0.4816, b: 0.369, c: 0.5227 } },
    ]);
  });
});

describe('a multilabel classifier that gives a pair of probabilities a label', () => {
  const folder = join(CASES, 'multilabel-pairs-a-label');

  it('shows that of true, whatever number of instances it is asked beside', async () => {
    const { answers, expected } = await answersOf('multilabel-pairs-a-label');
    const wanted = expected.map(({ prediction, probabilities }) => round({ prediction, probabilities }));
    expect(answers.map(round)).toEqual(wanted); // as many rows as labels
    const { requests } = JSON.parse(readFileSync(join(folder, 'case.json'), 'utf8')) as Case;
    const rows = requests[0]?.features as readonly unknown[];
    const version = await openModel(folder);
    const scoring = openScoring(catalogOf(version), { clock: () => NOON + 1 });
    for (const some of [rows.slice(0, 1), rows.slice(0, 2), [...rows, ...rows]]) {
      const bodies = batchOf(some.map(features => ({ features })));
      const scored = await scoring.score(bodies, new AbortController().signal);
      const each = scored.outcomes().map(({ body }) => JSON.parse(body.toString()) as Answer);
      expect(
        each.map(({ prediction, probabilities, confidence }) => round({ prediction, probabilities, confidence })),
      ).toEqual([...wanted, ...wanted].slice(0, some.length));
    }
    await version.backend.close();
  });
});

describe('a multilabel classifier that gives a sequence of probabilities', () => {
  it('shows them by label, as one that gives a tensor', async () => {
    const { answers, expected } = await answersOf('multilabel-in-sequence');
    expect(answers.map(round)).toEqual(
      expected.map(({ prediction, probabilities }) => round({ prediction, probabilities })),
    );
  });
});

describe('decision values', () => {
  const name = 'decision-values-shown-as-probabilities';

  it('are no probabilities: they stand under outputs, without a confidence', async () => {
    const { answers, expected } = await answersOf(name);
    expect(answers.map(round)).toEqual(
      expected.map(({ prediction, values }) => round({ prediction, outputs: { probabilities: values } })),
    );
  });

  it('become probabilities by the activation that the card names', async () => {
    const sigmoid = (score: number) => 1 / (1 + Math.exp(-score));
    const { answers } = await answersOf(name, { outputs: { activation: 'sigmoid' } });
    expect(answers.map(round)).toEqual([
      round({
        prediction: 0,
        probabilities: { '0': sigmoid(-1.445298), '1': sigmoid(1.445298) },
        confidence: sigmoid(-1.445298),
      }),
      round({
        prediction: 1,
        probabilities: { '0': sigmoid(1.03908), '1': sigmoid(-1.03908) },
        confidence: sigmoid(-1.03908),
      }),
    ]);
    const soft = await answersOf(name, { outputs: { activation: 'softmax' } });
    expect(round(soft.answers[0])).toMatchObject({ probabilities: round({ '1': sigmoid(2 * 1.445298) }) });
    expect((await answersOf(name, { outputs: { activation: 'none' } })).answers[0]).toHaveProperty('outputs');
  });
});

describe('class labels and probabilities', () => {
  const of = ({ prediction, probabilities, confidence }: Answer) => round({ prediction, probabilities, confidence });

  it('come out of a ZipMap in a file that imports ai.onnx.ml alone', async () => {
    const { answers, expected } = await answersOf('catboost-probabilities-lost-bin');
    const confidences = [0.920432, 0.801489];
    expect(answers.map(of)).toEqual(expected.map((one, i) => of({ ...one, confidence: confidences[i] })));
  });

  it('keep their digits beyond 2^53', async () => {
    const { answers, expected } = await answersOf('big-integer-class-labels');
    expect(answers.map(of)).toEqual(expected.map(of));
  });
});

describe('an export of ML.NET', () => {
  it('of two classes answers with true or false, probabilities of both and the score, from the inputs that reach them', async () => {
    const { answers, expected } = await answersOf('mlnet-binary-passes-the-label-through');
    const of = ({ prediction, probabilities, confidence, outputs }: Answer) =>
      round({ prediction, probabilities, confidence, outputs });
    expect(answers.map(of)).toEqual(expected.map(of));
  });

  it('of several classes answers with their names', async () => {
    const { answers, expected } = await answersOf('mlnet-multiclass-key-and-name');
    expect(answers.map(({ outputs }) => outputs)).toEqual(expected.map(() => undefined));
    const of = ({ prediction, probabilities, confidence }: Answer) => round({ prediction, probabilities, confidence });
    expect(answers.map(of)).toEqual(expected.map(of));
  });

  it('takes all columns too, as objects and as tensors, and ignores those that make no answer', async () => {
    const version = await openModel(join(CASES, 'mlnet-multiclass-key-and-name'));
    const scoring = openScoring(catalogOf(version), { clock: () => NOON + 1 });
    const row = { Age: 3.8322046, Spend: 2.3562784, City: 'Lima', Text: 'a', Flag: true, Target: 77, Kind: 'gold' };
    const tensor = (name: string, datatype: string, value: unknown) => ({
      name,
      datatype,
      shape: [1, 1],
      data: [value],
    });
    const inputs = [
      tensor('Age', 'FP32', 3.8322046),
      tensor('Spend', 'FP32', 2.3562784),
      tensor('City', 'BYTES', 'Lima'),
      tensor('Target', 'FP32', 77),
      { name: 'Vec', datatype: 'FP32', shape: [1, 3], data: [1, 2, 3] },
    ];
    const scored = await scoring.score(batchOf([{ features: row }, { inputs }]), new AbortController().signal);
    const answers = scored.outcomes().map(({ body }) => JSON.parse(body.toString()) as Answer);
    expect(answers.map(({ prediction }) => prediction)).toEqual(['bronze', 'bronze']);
    await version.backend.close();
  });
});

describe('a request that cannot be scored as it is', () => {
  const DIABETES = resolve(import.meta.dirname, '../../samples/models/diabetes/1.1.0');
  const bodyOf = (name: string) => JSON.parse(readFileSync(join(CASES, name, 'case.json'), 'utf8')).body as string;

  async function endingOf(body: Buffer | string): Promise<Answer> {
    const version = await openModel(DIABETES);
    const scoring = openScoring(catalogOf({ ...version, name: 'diabetes' }), { clock: () => NOON + 1 });
    const [outcome] = (await scoring.score(batchOf([body]), new AbortController().signal)).outcomes();
    await version.backend.close();
    return JSON.parse(outcome?.body.toString() ?? '');
  }

  it.each<[string, string, object]>([
    [
      'nan-literal-message',
      'malformed_payload',
      { request_id: 'nan1', message: 'NaN is no JSON (position 52); null or the text "NaN" would be understood' },
    ],
    [
      'object-among-numbers-message',
      'schema_mismatch',
      { request_id: 'nd', message: 'feature age is an object; diabetes 1.1.0 takes a number' },
    ],
  ])('ends with words that help: %s', async (name, code, expected) => {
    const { request_id, error } = (await endingOf(bodyOf(name))) as { request_id: string; error: Answer };
    expect(error.code).toBe(code);
    expect({ request_id, message: error.message }).toEqual(expected);
  });

  it('is taken where only a dimension of 1 is too many', async () => {
    const asked = JSON.parse(bodyOf('open-inference-extra-dimension-message'));
    const plain = { model: 'diabetes', features: asked.inputs[0].data };
    const answer = ({ prediction, probabilities }: Answer) => ({ prediction, probabilities });
    const given = answer(await endingOf(JSON.stringify(asked)));
    expect(given.prediction).toBe(0);
    expect(given).toEqual(answer(await endingOf(JSON.stringify(plain))));
  });

  it('is refused where it is no UTF-8, not altered', async () => {
    const latin1 = readFileSync(join(CASES, 'invalid-utf8-altered/body.jsonl'));
    expect(latin1.includes(0xfc)).toBe(true);
    expect((await endingOf(latin1)).error).toMatchObject({
      code: 'malformed_payload',
      message: expect.stringContaining('UTF-8'),
    });
  });
});
