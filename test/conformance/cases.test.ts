import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { ModelVersion } from '../../src/core/model.ts';
import { batchOf, NOON } from '../support/events.ts';
import { catalogOf, openModel } from '../support/onnx-model.ts';
import { openScoring } from '../support/open-scoring.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/** Folders of models, as in Blob Storage: our own, and the larger set where a checkout of it stands beside ours. */
const FOLDERS = ['samples/models', 'test/fixtures/models', '../shared/models'].map(folder => join(ROOT, folder));

interface Case {
  readonly request_id: string;
  readonly features: unknown;
  readonly expected: {
    readonly label?: string | number;
    readonly value?: number | number[];
    readonly probabilities?: readonly number[];
  };
}

const tested = FOLDERS.filter(existsSync).flatMap(root =>
  readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('/cases.jsonl'))
    .map(file => join(root, file, '..'))
    .sort(),
);

/** Probabilities within 1e-5, values relatively within 1e-4. */
function close(got: unknown, wanted: number): boolean {
  const difference = Math.abs((got as number) - wanted);
  return difference <= 1e-5 || difference <= 1e-4 * Math.abs(wanted);
}

/** What is wrong with a result; undefined where it is as expected. */
function difference(
  result: Record<string, unknown>,
  { expected }: Case,
  classes: readonly unknown[] | undefined,
): string | undefined {
  const { prediction } = result;
  if (expected.label !== undefined && prediction !== expected.label) return `prediction ${JSON.stringify(prediction)}`;
  if (expected.value !== undefined) {
    const [got, wanted] = [[prediction].flat(), [expected.value].flat()];
    if (got.length !== wanted.length || !wanted.every((value, i) => close(got[i], value))) return `value ${got}`;
  }
  if (expected.probabilities !== undefined && result.probabilities !== undefined) {
    const { probabilities } = result as { probabilities: Record<string, number> };
    const got = (classes ?? Object.keys(probabilities)).map(name => probabilities[String(name)]);
    if (got.length !== expected.probabilities.length) return `probabilities ${got}`;
    if (!expected.probabilities.every((value, i) => close(got[i], value))) return `probabilities ${got}`;
    if (result.confidence !== probabilities[String(prediction)]) return `confidence ${result.confidence}`;
  }
  return undefined;
}

describe('the models answer as their training libraries did', () => {
  const opened: ModelVersion[] = [];
  afterAll(async () => {
    for (const { backend } of opened) await backend.close();
  });

  it('finds models', () => {
    expect(tested.length).toBeGreaterThan(12);
  });

  it.each(tested)('%s', async folder => {
    const version = await openModel(folder);
    opened.push(version);
    const cases = readFileSync(join(folder, 'cases.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as Case);
    const scoring = openScoring(catalogOf(version), { clock: () => NOON + 1 });
    const batch = batchOf(cases.map(({ request_id, features }) => ({ request_id, features })));
    const outcomes = (await scoring.score(batch, new AbortController().signal)).outcomes();
    const results = outcomes.map(({ body }) => JSON.parse(body.toString()) as Record<string, unknown>);
    const wrong = cases.flatMap((one, i) => {
      const result = results[i] ?? {};
      if (result.request_id !== one.request_id) return `${one.request_id}: answered by ${result.request_id}`;
      if (result.error !== undefined) return `${one.request_id}: ${JSON.stringify(result.error)}`;
      return difference(result, one, version.card.outputs.classes) ?? [];
    });
    expect(wrong).toEqual([]);
    expect(outcomes.map(({ kind }) => kind)).toEqual(cases.map(() => 'result'));
    if (cases[0]?.expected.probabilities) expect(results.every(result => 'confidence' in result)).toBe(true);
  });
});
