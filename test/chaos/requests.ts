import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { SeededRandom } from '../support/seeded-random.ts';

const MODELS = join(import.meta.dirname, '../../samples/models');

/** An event as it is sent, with what is expected of it in properties that the product does not look at. */
export interface ChaosEvent {
  readonly body: Buffer;
  readonly contentType?: string;
  readonly properties: {
    /** Who it is, over all events that are sent. */
    readonly chaosId: number;
    /** Requests it carries; absent: nobody knows. */
    readonly requests?: number;
    /** `diabetes 17`: its prediction is that of this case; an error's code: it ends as such; absent: either ending is right. */
    readonly expected?: string;
    /** It may take its time; others may not wait for it for long. */
    readonly killer?: boolean;
  };
}

interface Case {
  readonly features: unknown;
  readonly expected: { readonly probabilities: readonly number[] };
}

function casesOf(model: string, version: string): readonly Case[] {
  const lines = readFileSync(join(MODELS, model, version, 'cases.jsonl'), 'utf8')
    .trim()
    .split('\n');
  return lines.map(line => JSON.parse(line) as Case);
}

export const DIABETES = casesOf('diabetes', '1.1.0');
export const CHURN = casesOf('churn', '1.0.0');
/** Probability of the first class, by version and case; both versions of diabetes have the same cases. */
const EXPECTED: Readonly<Record<string, readonly Case[]>> = {
  'diabetes 1.0.0': casesOf('diabetes', '1.0.0'),
  'diabetes 1.1.0': DIABETES,
  'churn 1.0.0': CHURN,
};

/** The probability of the first class that a model version gives for a case, `diabetes 17`. */
export function expectedProbability(model: string, version: string, expected: string): number | undefined {
  const [name, number] = expected.split(' ');
  if (name !== model) return undefined;
  return EXPECTED[`${model} ${version.split('+')[0]}`]?.[Number(number)]?.expected.probabilities[0];
}

type Poison = (id: number) => { readonly body: string | Buffer; readonly code: string; readonly contentType?: string };

const text =
  (code: string, body: string): Poison =>
  id => ({ code, body: body.replace('ID', `c${id}`) });

/** Ten kinds of requests that cannot be scored. */
export const POISON: readonly Poison[] = [
  text('malformed_payload', ''),
  text('malformed_payload', '{"request_id": "ID", "model": "diabetes", "features": [1, 2'),
  text('malformed_payload', '[]'),
  text('malformed_payload', 'null'),
  text('schema_mismatch', '{"request_id": "ID", "model": "diabetes", "features": [1, 2]}'),
  text('unknown_model', '{"request_id": "ID", "model": "nope", "features": [1]}'),
  text('non_finite_feature', '{"request_id": "ID", "model": "diabetes", "features": [1e999,2,3,4,5,6,7,8,9,10]}'),
  text('schema_mismatch', '{"request_id": "ID", "model": "diabetes", "features": ["x",2,3,4,5,6,7,8,9,10]}'),
  () => ({ code: 'malformed_payload', body: Buffer.from([0xff, 0xfe, 0x00, 0x01, 0xc3, 0x28]) }),
  () => ({
    code: 'malformed_payload',
    body: gzipSync('{"request_id": "x"}').subarray(0, 12),
    contentType: 'application/gzip',
  }),
];

const POISON_SHARE = 0.01;
const SEVERAL_SHARE = 0.01;
const CHURN_SHARE = 0.2;

/** The next event: mostly one good request; one in a hundred poison; now and then three requests of which one is bad. */
export function makeEvent(chaosId: number, random: SeededRandom): ChaosEvent {
  const kind = random.next();
  if (kind < POISON_SHARE) {
    const { body, code, contentType } = random.pick(POISON)(chaosId);
    const properties = { chaosId, requests: 1, expected: code };
    return { body: Buffer.from(body), properties, ...(contentType && { contentType }) };
  }
  if (kind < POISON_SHARE + SEVERAL_SHARE) {
    const good = { model: 'diabetes', features: random.pick(DIABETES).features };
    const three = [good, { ...good, features: [1] }, good].map((request, i) => ({
      request_id: `c${chaosId}-${i}`,
      ...request,
    }));
    return { body: Buffer.from(JSON.stringify(three)), properties: { chaosId, requests: 3 } };
  }
  const [model, cases] = random.next() < CHURN_SHARE ? ['churn', CHURN] : ['diabetes', DIABETES];
  const number = random.below(cases.length);
  const body = JSON.stringify({ request_id: `c${chaosId}`, model, features: cases[number]?.features });
  return { body: Buffer.from(body), properties: { chaosId, requests: 1, expected: `${model} ${number}` } };
}
