import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { featureGenerator } from '../../../../src/cli/load/generate-features.ts';
import { packed, payloadFromCases, payloadFromGenerator, sampleCases } from '../../../../src/cli/load/payload.ts';
import type { Feature } from '../../../../src/core/model.ts';
import type { TensorSpec } from '../../../../src/core/tensor.ts';
import { randomInputs } from '../../../support/seed.ts';

const folder = mkdtempSync(join(tmpdir(), 'hubscore-payload-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function cases(text: string): string {
  const file = join(folder, 'cases.jsonl');
  writeFileSync(file, text);
  return file;
}

const parsed = (body: Buffer) => JSON.parse(body.toString('utf8'));

describe('requests from cases', () => {
  it('come in turn, under new ids, without what is expected of them', () => {
    const text =
      '\uFEFF{"request_id":"x","features":[1],"expected":{"label":1}}\n\n{"features":{"a":"ü\\"b"},"model":"own","priority":0}\n';
    const payload = payloadFromCases(cases(text), 'cases.jsonl', { model: 'given', version: '1.0.0' });
    expect(payload).toMatchObject({ says: 'cases.jsonl (2 cases)', model: undefined });
    expect(parsed(payload.body(0, 'id-0'))).toEqual({
      request_id: 'id-0',
      features: [1],
      model: 'given',
      model_version: '1.0.0',
    });
    expect(parsed(payload.body(3, 'id-3'))).toEqual({
      request_id: 'id-3',
      features: { a: 'ü"b' },
      model: 'own',
      priority: 0,
      model_version: '1.0.0',
    });
  });

  it('are refused by line', () => {
    expect(() => payloadFromCases(cases('{"features":[1]}\n{"feature":2}'), 'c', {})).toThrow(
      'c, line 2: no field "features"',
    );
    expect(() => payloadFromCases(cases('{"features":'), 'c', {})).toThrow(/c, line 1: not JSON/);
    expect(() => payloadFromCases(cases('\n'), 'c', {})).toThrow('c is empty');
  });

  it('come with the sample models', () => {
    const payload = payloadFromCases(sampleCases('churn')!, 'churn', {});
    expect(parsed(payload.body(0, 'a'))).toMatchObject({ request_id: 'a', model: 'churn' });
    expect(sampleCases('../churn')).toBeUndefined();
    expect(sampleCases('nobody')).toBeUndefined();
  });
});

describe('packs', () => {
  it('hold so many of the requests, in turn, under ids of their own', () => {
    const file = cases('{"features":[1],"model":"m"}\n{"features":[2],"model":"m"}\n{"features":[3],"model":"m"}\n');
    const payload = packed(payloadFromCases(file, 'c', {}), 2);
    expect(payload).toMatchObject({ says: 'c (3 cases), 2 rows a pack', model: 'm' });
    const pack = { model: 'm', ids: ['0', '1'], on_error: 'skip' };
    expect(parsed(payload.body(0, 'p0'))).toEqual({ ...pack, request_id: 'p0', features: [[1], [2]] });
    expect(parsed(payload.body(1, 'p1'))).toEqual({ ...pack, request_id: 'p1', features: [[3], [1]] });
  });

  it('are of one model, and never too large', () => {
    const several = payloadFromCases(cases('{"features":[1],"model":"m"}\n{"features":[2],"model":"n"}'), 'c', {});
    expect(() => packed(several, 2)).toThrow('different models or versions');
    const long = payloadFromCases(cases(`{"features":["${'x'.repeat(9_000)}"]}`), 'c', {});
    expect(() => packed(long, 200)).toThrow(/200 rows are 18\d{5} bytes/);
    expect(() => packed(long, 1_000)).toThrow('the result of 1000 rows');
    expect(packed(long, 90).body(0, 'p').length).toBeLessThan(900_000);
  });
});

const FEATURE: Feature = {
  name: 'f',
  type: 'number',
  input: 'x',
  fill: undefined,
  categories: undefined,
  unknown: 'error',
  encode: undefined,
  scale: undefined,
  range: undefined,
};
const spec = (type: TensorSpec['type'], dims: TensorSpec['dims'] = [null, 2]): TensorSpec => ({
  name: 'x',
  type,
  dims,
});

function made(features: readonly Partial<Feature>[], input: TensorSpec, count = 200): unknown[] {
  const generate = featureGenerator(
    { features: features.map(feature => ({ ...FEATURE, ...feature })) },
    { inputs: [input], outputs: [], opaqueOutputs: [] },
    randomInputs().next,
  );
  return Array.from({ length: count }, generate);
}

describe('requests made up from a card', () => {
  it('stay within range, and around the mean', () => {
    const rows = made(
      [{ range: [-2, 3] }, { name: 'g', scale: { mean: 100, std: 10 } }],
      spec('float32'),
    ) as number[][];
    for (const [f, g] of rows) {
      expect(f).toBeGreaterThanOrEqual(-2);
      expect(f).toBeLessThanOrEqual(3);
      expect(Math.abs(g! - 100)).toBeLessThanOrEqual(30);
    }
    expect(new Set(rows.map(String)).size).toBe(200);
  });

  it('are whole for inputs of whole numbers, and by name where some are texts', () => {
    for (const [f] of made([{ range: [0, 9] }], spec('int64')) as number[][]) expect(Number.isInteger(f)).toBe(true);
    const rows = made(
      [
        { name: 'plan', type: 'string', categories: ['a', 'b'] },
        { name: 'note', type: 'string' },
      ],
      spec('string'),
    );
    for (const row of rows as { plan: string; note: string }[]) {
      expect(['a', 'b']).toContain(row.plan);
      expect(row.note.split(' ').length).toBeGreaterThan(3);
    }
  });

  it('have the shape of the tensor, of any length where it is open', () => {
    const [image] = made([{ type: 'tensor' }], spec('float32', [null, 1, 8, 4])) as { f: number[][][] }[];
    expect([image!.f.length, image!.f[0]!.length, image!.f[0]![0]!.length]).toEqual([1, 8, 4]);
    const lengths = (made([{ type: 'tensor' }], spec('int64', [null, null]), 2_000) as { f: number[] }[]).map(
      ({ f }) => f.length,
    );
    expect(Math.min(...lengths)).toBe(1);
    expect(Math.max(...lengths)).toBe(32);
  });

  it('are requests', () => {
    const payload = payloadFromGenerator('made up', { model: 'm' }, () => [1, 2]);
    expect(parsed(payload.body(5, 'id'))).toEqual({ request_id: 'id', model: 'm', features: [1, 2] });
  });
});
