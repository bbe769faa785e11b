import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import type { SeededRandom } from '../support/seeded-random.ts';
import type { ChaosEvent } from './requests.ts';
import { CHURN, DIABETES } from './requests.ts';

/** Requests as they should be, in the shapes that are taken; what mutations begin with. */
const GOOD: readonly string[] = [
  ...DIABETES.slice(0, 5).map(({ features }) => ({ request_id: 'a', model: 'diabetes', features })),
  { request_id: 7, model: 'churn', model_version: 'v1', features: CHURN[0]?.features, priority: 0, timeout_ms: 60000 },
  { model: 'diabetes', features: DIABETES.slice(0, 3).map(({ features }) => features) },
  DIABETES.slice(0, 3).map(({ features }) => ({ model: 'diabetes', features })),
  {
    inputs: [{ name: 'input', shape: [1, 10], datatype: 'FP32', data: DIABETES[0]?.features }],
    parameters: { model: 'diabetes' },
  },
]
  .map(value => JSON.stringify(value))
  .concat(
    DIABETES.slice(0, 4)
      .map(({ features }) => JSON.stringify({ model: 'diabetes', features }))
      .join('\n'),
  );

const WORDS = [
  'request_id',
  'model',
  'model_version',
  'features',
  'priority',
  'timeout_ms',
  'routing_key',
  'inputs',
  '__proto__',
];

const value = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom(
    'diabetes',
    'churn',
    'production',
    '1.1.0',
    'v1',
    '9.9.9',
    '',
    '\u0000',
    '1e999',
    'NaN',
    -0,
    1e308,
    2 ** 53,
  ),
  fc.array(fc.oneof(fc.double(), fc.string(), fc.constant(null)), { maxLength: 12 }),
);
const requestLike = fc.dictionary(fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...WORDS) }, fc.string()), value, {
  maxKeys: 8,
  noNullPrototype: true,
});
const random = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map(bytes => Buffer.from(bytes)),
  fc.string({ unit: 'binary', maxLength: 200 }).map(text => Buffer.from(text)),
  fc.json({ maxDepth: 4 }).map(text => Buffer.from(text)),
  requestLike.map(one => Buffer.from(JSON.stringify(one))),
  fc.array(requestLike, { maxLength: 5 }).map(list => Buffer.from(JSON.stringify(list))),
  fc.array(requestLike, { maxLength: 5 }).map(list => Buffer.from(list.map(one => JSON.stringify(one)).join('\n'))),
);

/** What happens to a good request: bytes are changed, left out, doubled; its end is missing; text is put in. */
const mutated = fc
  .tuple(
    fc.constantFrom(...GOOD),
    fc.array(
      fc.tuple(
        fc.nat({ max: 999 }),
        fc.constantFrom('flip', 'cut', 'drop', 'double', 'insert'),
        fc.nat({ max: 255 }),
        fc.constantFrom('"', '{', ']', ',', '1e999', 'null', '\\u0000', '\n', '-', '[[[['),
      ),
      { maxLength: 3 },
    ),
  )
  .map(([good, changes]) => {
    let bytes = Buffer.from(good);
    for (const [where, how, byte, text] of changes) {
      const at = Math.floor((where / 1000) * bytes.length);
      if (how === 'flip') bytes[at] = byte;
      else if (how === 'cut') bytes = bytes.subarray(0, at);
      else if (how === 'drop') bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + (byte % 20))]);
      else if (how === 'double') bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at), bytes.subarray(at)]);
      else bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from(text), bytes.subarray(at)]);
    }
    return Buffer.from(bytes);
  });

/** Nearly as much as an event may hold: one number, many requests, deep nesting, nothing but blanks. */
const large = fc
  .tuple(fc.integer({ min: 100_000, max: 900_000 }), fc.constantFrom('9', '[', ' ', '{"a":', '{}\n', 'ü'))
  .map(([bytes, text]) => Buffer.alloc(bytes, text));

const body = fc.oneof(
  { weight: 2_000, arbitrary: mutated },
  { weight: 1_000, arbitrary: random },
  { weight: 3, arbitrary: large },
);
const packed = fc
  .tuple(body, fc.constantFrom('plain', 'plain', 'plain', 'gzip', 'half a gzip', 'gzip in name only'))
  .map(([bytes, how]) => {
    const contentType = how === 'plain' ? undefined : 'application/gzip';
    if (how === 'gzip') return { body: gzipSync(bytes), contentType };
    if (how === 'half a gzip') return { body: gzipSync(bytes).subarray(0, 15), contentType };
    return { body: bytes, contentType };
  });
const headers = fc.dictionary(
  fc.constantFrom('model', 'model_version', 'priority', 'routing_key', 'traceparent', 'x'),
  fc.oneof(fc.string(), fc.integer()),
  { maxKeys: 2, noNullPrototype: true },
);

/** How many are made at a time; also what one seed of fast-check gives. */
const LOT = 1_000;

/** Gives bodies that nobody has foreseen, one after the other, the same for the same seed. */
export function createFuzz(seeds: SeededRandom): (chaosId: number) => ChaosEvent {
  let lot: readonly [
    { readonly body: Buffer; readonly contentType: string | undefined },
    Record<string, string | number>,
  ][] = [];
  return chaosId => {
    const place = chaosId % LOT;
    if (place === 0) lot = fc.sample(fc.tuple(packed, headers), { numRuns: LOT, seed: seeds.below(2 ** 31) });
    const [{ body, contentType }, properties] = lot[place]!;
    return { body, ...(contentType && { contentType }), properties: { ...properties, chaosId } };
  };
}
