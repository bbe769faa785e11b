import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type OpenedModel, openModel } from '../../bench/models.ts';
import { sampleModel } from '../../bench/requests.ts';
import { createMemoryCache } from '../../src/cache/memory-cache.ts';
import { createDecoder } from '../../src/codecs/decoder.ts';
import type { Catalog } from '../../src/core/catalog.ts';
import { RequestError } from '../../src/core/errors.ts';
import type { Event, EventBatch } from '../../src/core/event.ts';
import type { ModelVersion } from '../../src/core/model.ts';
import type { Tensors } from '../../src/core/tensor.ts';
import { expectAlike } from '../support/alike.ts';
import { openScoring } from '../support/open-scoring.ts';
import { createRandom, type SeededRandom } from '../support/seeded-random.ts';

/*
 * A row of a pack is answered, or told what is wrong with it, as a request of its own would be: whatever stands beside it in the pack and in the batch, and whichever way the pack is written and read.
 */

const NOW = Date.parse('2026-11-21T09:00:00.131Z');
const PARSED = 'application/json; charset=utf-8';
const { signal } = new AbortController();

type Form = 'lists' | 'objects' | 'table' | 'texts' | 'mixed';
interface Pack {
  readonly model: 'diabetes' | 'churn' | 'topic';
  readonly rows: readonly unknown[];
  readonly form: Form;
  readonly ids: readonly (string | number)[] | undefined;
  readonly onError: 'skip' | 'refuse' | undefined;
  readonly road: 'usual' | 'parsed' | 'gzip';
}

/** What a pack is made from; its rows come from the seed, so that a thousand of them take no time to make. */
const recipe = fc.record({
  size: fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 1, max: 12 }) },
    { weight: 2, arbitrary: fc.integer({ min: 13, max: 200 }) },
    { weight: 1, arbitrary: fc.integer({ min: 201, max: 1_000 }) },
  ),
  seed: fc.nat(),
  model: fc.constantFrom('diabetes', 'diabetes', 'churn', 'topic'),
  form: fc.constantFrom('lists', 'lists', 'objects', 'table', 'mixed'),
  /** Of its rows: none, few, most, all. */
  bad: fc.constantFrom(0, 0, 0.02, 0.5, 1),
  ids: fc.constantFrom('texts', 'numbers', 'odd', undefined),
  onError: fc.constantFrom('skip', 'skip', 'refuse', undefined),
  road: fc.constantFrom('usual', 'usual', 'parsed', 'gzip'),
} as const);
type Recipe = typeof recipe extends fc.Arbitrary<infer T> ? T : never;

function make(samples: Samples, { size, seed, model, form: asked, bad, ids, onError, road }: Recipe): Pack {
  // One text in a list is no pack by itself.
  const kind = ids ?? (model === 'topic' && size === 1 ? 'texts' : undefined);
  const random = createRandom(seed);
  const form = model === 'topic' ? 'texts' : asked === 'table' && kind === undefined ? 'objects' : asked;
  const rows = Array.from({ length: size }, () => {
    const sample = vary(random, random.pick(samples[model]), random.next() < bad);
    return model === 'topic' ? sample : inForm(random, sample as Row, form);
  });
  const id = (i: number) =>
    kind === 'numbers'
      ? random.below(2 ** 40)
      : kind === 'texts'
        ? `row-${i}`
        : random.pick(['', 'ä"\\', 7.25, `r ${i}`]);
  return { model, rows, form, ids: kind && rows.map((_, i) => id(i)), onError, road };
}

type Row = [name: string, value: unknown][];
type Samples = Readonly<Record<Pack['model'], readonly unknown[]>>;

/** A row like a sample, or one that is off: some of what is off is no fault. */
function vary(random: SeededRandom, sample: unknown, off: boolean): unknown {
  if (typeof sample === 'string') return off ? random.pick([5, null, '', ['a'], {}, 'x'.repeat(300)]) : sample;
  const row = (sample as Row).map(([name, value]): Row[number] => [
    name,
    typeof value === 'number' ? Number((value * random.between(0.9, 1.1)).toPrecision(random.pick([3, 9, 17]))) : value,
  ]);
  if (!off) return row;
  const at = random.below(row.length);
  const [name, value] = row[at] as Row[number];
  const kinds: (() => unknown)[] = [
    () => row.splice(at, 1), // missing
    () => row.push([`more ${at}`, 1]), // extra
    () => row.splice(at, 1, [name, random.pick<unknown>([null, '', 'x', '5', true, 1e39, [1], [1, 2], {}, -0, 'NaN'])]),
    () => row.splice(0, 1, [row[0]?.[0] ?? '', 1e6]), // the model fails on it
    () => row.splice(at, 1, [name, value], [name, value]), // one too many
  ];
  random.pick(kinds)();
  return row;
}

function inForm(random: SeededRandom, row: Row, form: Form): unknown {
  const list = form === 'lists' || (form === 'mixed' && random.next() < 0.5);
  return list ? row.map(([, value]) => value) : Object.fromEntries(row);
}

function bodyOf({ model, rows, form, ids, onError }: Pack, i: number): string {
  const features = form === 'table' ? tableOf(rows as Record<string, unknown>[]) : rows;
  return JSON.stringify({ request_id: `pack-${i}`, model, ids, features, on_error: onError });
}

function tableOf(rows: readonly Readonly<Record<string, unknown>>[]): Record<string, unknown[]> {
  const names = new Set(rows.flatMap(row => Object.keys(row)));
  return Object.fromEntries([...names].map(name => [name, rows.map(row => row[name] ?? null)]));
}

function batchOf(bodies: readonly { readonly body: string; readonly road: Pack['road'] }[]): EventBatch {
  const events = bodies.map(
    ({ body, road }, i): Event => ({
      body: road === 'gzip' ? gzipSync(body) : Buffer.from(body),
      sequenceNumber: 1_000 + i,
      enqueuedAtMs: NOW - 2,
      partitionKey: undefined,
      contentType: road === 'parsed' ? PARSED : undefined,
      contentEncoding: road === 'gzip' ? 'gzip' : undefined,
      properties: {},
    }),
  );
  return { hub: 'inference-requests', consumerGroup: 'inference-consumer', partition: '3', events };
}

interface Told {
  readonly code: string;
  readonly message: string;
}
interface Ending extends Readonly<Record<string, unknown>> {
  readonly predictions?: readonly unknown[];
  readonly errors?: readonly unknown[];
  readonly error?: Told & { readonly index?: number; readonly id?: unknown };
}

/** What a pack is to end with, from how each of its rows ends alone. */
function expected({ ids, onError }: Pack, alone: readonly Ending[]) {
  const named = (index: number) => (ids === undefined ? {} : { id: ids[index] });
  const bad = alone.flatMap(({ error }, index) => (error ? [{ index, ...named(index), error }] : []));
  const first = onError === 'skip' ? bad[0] : (bad.find(({ error }) => error.code !== 'inference_failed') ?? bad[0]);
  if (first !== undefined && (onError !== 'skip' || bad.length === alone.length)) {
    const { index, error } = first;
    return { error: { code: error.code, index, ...named(index) }, message: `instance ${index}: ${error.message}` };
  }
  return {
    predictions: alone.map(({ error, prediction, probabilities, confidence }, index) =>
      error ? null : { ...named(index), prediction, probabilities, confidence },
    ),
    errors:
      bad.length === 0 ? undefined : bad.map(({ error: { code, message }, ...row }) => ({ ...row, code, message })),
  };
}

function said({ predictions, errors, error }: Ending, message: string | undefined) {
  if (error === undefined) return { predictions, errors };
  const { code, index, id } = error;
  const told = error.message.startsWith(message ?? '') ? message : error.message;
  return { error: { code, index, ...(id !== undefined && { id }) }, message: told };
}

describe('a pack', () => {
  let opened: readonly OpenedModel[];
  let samples: Samples;
  beforeAll(async () => {
    const small = { batching: { max_batch_size: 64 } };
    opened = await Promise.all([
      openModel('diabetes', '1.0.0', small),
      openModel('churn', '1.0.0', small),
      openModel('topic', '1.0.0', small),
      openModel('diabetes', '1.0.0', { runtime: { placement: 'worker' }, batching: { max_batch_size: 100 } }),
    ]);
    const [diabetes, churn] = opened.map(({ model }) => model.card.features.map(({ name }) => name));
    const rows = (name: string, names?: readonly string[]) =>
      casesOf(name).map((features): unknown => {
        if (names === undefined) return (Array.isArray(features) ? features : Object.values(features as object))[0];
        const named = Array.isArray(features) ? Object.fromEntries(features.map((v, i) => [names?.[i], v])) : features;
        return Object.entries(named as object);
      });
    samples = { diabetes: rows('diabetes', diabetes), churn: rows('churn', churn), topic: rows('topic') };
  });
  afterAll(async () => {
    for (const { model, backends } of opened) {
      await model.backend.close();
      await backends.close();
    }
  });

  it.each([
    ['in line', false],
    ['in line', true],
    ['in a worker', false],
  ])('ends row by row as its rows end alone: %s, cached: %s', { timeout: 300_000 }, async (placement, cached) => {
    const [diabetes, churn, topic, threaded] = opened.map(({ model }) => model) as [
      ModelVersion,
      ModelVersion,
      ModelVersion,
      ModelVersion,
    ];
    const versions = [failing(placement === 'in line' ? diabetes : threaded), churn, topic];
    const together = openScoring(catalogOf(cached ? versions.map(slow) : versions), {
      decoder: createDecoder(),
      clock: () => NOW,
      cache: cached ? createMemoryCache({ maxEntries: 1000, maxBytes: 1e6, ttlMs: 60_000 }) : undefined,
    });
    const alone = openScoring(catalogOf([failing(diabetes), churn, topic]), { clock: () => NOW });
    const seen = { answered: 0, skipped: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(fc.array(recipe, { minLength: 1, maxLength: 4 }), async recipes => {
        const packs = recipes.map(one => make(samples, one));
        const scored = await together.score(
          batchOf(packs.map((pack, i) => ({ body: bodyOf(pack, i), ...pack }))),
          signal,
        );
        const endings = scored.outcomes().map(({ body }) => JSON.parse(body.toString()) as Ending);
        expect(endings.map(({ request_id: id }) => id)).toEqual(packs.map((_, i) => `pack-${i}`));
        for (const [i, pack] of packs.entries()) {
          const bodies = pack.rows.map(row => ({ body: loneBody(pack, row), road: 'parsed' as const }));
          const lone = (await alone.score(batchOf(bodies), signal))
            .outcomes()
            .map(({ body }) => JSON.parse(body.toString()) as Ending);
          const { message, ...rest } = { message: undefined, ...expected(pack, lone) };
          expectAlike([said(endings[i] as Ending, message)], [{ ...rest, ...(message && { message }) }]);
          seen.refused += 'error' in rest ? 1 : 0;
          seen.answered += 'predictions' in rest ? pack.rows.length : 0;
          seen.skipped += ('errors' in rest && rest.errors?.length) || 0;
        }
      }),
      { numRuns: cached ? 100 : 150 },
    );
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(30);
  });
});

/** A row of a table has null where others have a value; what is a list by itself says that it is one instance. */
function loneBody({ model, form, rows }: Pack, row: unknown): string {
  if (form === 'texts') return JSON.stringify({ model, features: row ?? [null] });
  const names = form === 'table' ? Object.keys(tableOf(rows as Record<string, unknown>[])) : [];
  const nulls = Object.fromEntries(names.map(name => [name, null]));
  return JSON.stringify({ model, features: form === 'table' ? { ...nulls, ...(row as object) } : row });
}

function casesOf(name: string): readonly unknown[] {
  const text = readFileSync(join(sampleModel(name, '1.0.0'), '../cases.jsonl'), 'utf8');
  return text
    .trim()
    .split('\n')
    .map(line => (JSON.parse(line) as { features: unknown }).features);
}

function catalogOf(versions: readonly ModelVersion[]): Catalog {
  return {
    routing(name) {
      const version = versions.find(one => one.name === name);
      if (version === undefined) throw new RequestError('unknown_model', 'route', `no model ${name}`);
      return { route: { version, requestedVersion: undefined, fallback: false, variant: undefined } };
    },
    fallbackFor: async () => undefined,
    list: async () => [],
  };
}

/** Fails on runs that hold a row whose first feature is a million. */
function failing(version: ModelVersion): ModelVersion {
  const { backend } = version;
  return {
    ...version,
    plan: undefined,
    backend: {
      ...backend,
      info: backend.info,
      predict(inputs: Tensors, options) {
        const [tensor] = Object.values(inputs);
        const width = tensor?.dims[1] ?? 1;
        const bad = Array.from(tensor?.data as Float32Array).some((value, i) => i % width === 0 && value === 1e6);
        return bad ? Promise.reject(new Error('cannot')) : backend.predict(inputs, options);
      },
    },
  };
}

/** Its model is said to take so long that the cache is asked. */
function slow(version: ModelVersion): ModelVersion {
  const { backend } = version;
  const info = { ...backend.info, warmUpMs: 1_000 };
  return { ...version, plan: undefined, backend: { ...backend, info, predict: (...args) => backend.predict(...args) } };
}
