import { describe, expect, it } from 'vitest';
import { answerBytes, answerSizes } from '../../../src/cli/answer-size.ts';
import { ANSWER_BYTES, packLines } from '../../../src/cli/pack-lines.ts';
import { type RequestLine, readRequestLine } from '../../../src/cli/request-line.ts';
import { readSettings } from '../../../src/config/config.ts';
import { batchOf } from '../../support/events.ts';
import { modelVersion, tensor } from '../../support/model-version.ts';
import { catalogOf } from '../../support/onnx-model.ts';
import { openScoring } from '../../support/open-scoring.ts';

const WIDTH = 384;

/** Answers with so many numbers, each as long as numbers are in JSON. */
const embedding = modelVersion({
  inputs: ['x: float32[?,1]'],
  outputs: [`y: float32[?,${WIDTH}]`],
  card: { outputs: { value: 'y' } },
  predict({ x }) {
    const rows = x?.dims[0] ?? 0;
    const values = Array.from({ length: rows * WIDTH }, (_, i) => -1.1754943e-38 * (1 + i / 7));
    return { y: tensor('float32', [rows, WIDTH], values) };
  },
});

describe('what an answer takes', () => {
  it('is told by what the model gives, and no answer is larger', async () => {
    const most = answerBytes(embedding) as number;
    const scored = await openScoring(catalogOf(embedding)).score(
      batchOf([{ features: [[1]], ids: ['r'] }]),
      AbortSignal.timeout(10_000),
    );
    const [{ body } = { body: Buffer.alloc(0) }] = scored.outcomes();
    const [row] = (JSON.parse(body.toString()) as { predictions: unknown[] }).predictions;
    const bytes = JSON.stringify(row).length;
    expect(bytes).toBeGreaterThan(ANSWER_BYTES);
    expect(most).toBeGreaterThanOrEqual(bytes);
    expect(most).toBeLessThan(3 * bytes);
  });

  it('counts the names of classes, and is not known where the file leaves its width open', () => {
    const classes = Array.from({ length: 200 }, (_, i) => `class ${'é'.repeat(20)} ${i}`);
    const outputs = ['label: string[?]', 'p: float32[?,200]'];
    const card = { outputs: { label: 'label', probabilities: 'p', classes } };
    expect(answerBytes(modelVersion({ inputs: ['x: float32[?,1]'], outputs, card }))).toBeGreaterThan(
      Buffer.byteLength(JSON.stringify(Object.fromEntries(classes.map(name => [name, 0.123456789])))),
    );
    expect(answerBytes(modelVersion({ inputs: ['x: float32[?,1]'], outputs: ['y: float32[?,?]'] }))).toBeUndefined();
  });

  it('is the usual where storage says nothing', async () => {
    const sizes = answerSizes(readSettings({ EventHubs: 'x' }), AbortSignal.timeout(10_000));
    expect(await sizes('m', undefined)).toBe(ANSWER_BYTES);
    expect(await sizes(undefined, undefined)).toBe(ANSWER_BYTES);
  });

  it('makes packs smaller, so that no result is too large for an event', async () => {
    const lines = Array.from({ length: 300 }, (_, i) => `{"request_id":${i},"features":[${i}]}`);
    const read = lines.map((text, i) => readRequestLine(Buffer.from(text), i + 1, { pack: 300 }) as RequestLine);
    const most = answerBytes(embedding) as number;
    const packs = packLines(read, 300, () => most);
    expect(packs.length).toBeGreaterThan(2);
    expect(packLines(read, 300)).toHaveLength(1);
    const bodies = packs.map(({ body }) => body.toString());
    const scored = await openScoring(catalogOf(embedding)).score(batchOf(bodies), AbortSignal.timeout(10_000));
    expect(scored.outcomes().map(({ kind }) => kind)).toEqual(packs.map(() => 'result'));
  });
});
