import { createDecoder } from '../../src/codecs/decoder.ts';
import { makeProfile } from '../../src/drift/make-profile.ts';
import type { Profile } from '../../src/drift/profile.ts';
import type { WatchedModels } from '../../src/drift/watched-models.ts';
import type { MemoryHub } from './memory-hub.ts';
import type { SeededRandom } from './seeded-random.ts';

export const DRIFT_FEATURES = [
  { name: 'tenure', type: 'number', input: 'tenure', fill: undefined },
  { name: 'Contract', type: 'string', input: 'Contract', fill: undefined },
] as const;

export function normal(random: SeededRandom): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
}

/** What customers are like; moved by so many standard deviations. */
export function customer(random: SeededRandom, moved = 0): [number, string] {
  return [
    30 + 10 * (normal(random) + moved),
    random.pick(['Month-to-month', 'Month-to-month', 'One year', 'Two year']),
  ];
}

export function trainedOn(random: SeededRandom, rows = 5_000): Profile {
  const customers = Array.from({ length: rows }, () => customer(random));
  return makeProfile({ features: DRIFT_FEATURES, rows: customers, reference: { kind: 'training' } });
}

/** One model, churn, whose production is 1.0.0. */
export function watching(profile: Profile, id = 'aaaaaaaa'): WatchedModels {
  const version = { model: 'churn', version: '1.0.0', profile, id };
  return {
    versions: [version],
    find: (model = 'churn', asked = '1.0.0') => (model === 'churn' && asked === '1.0.0' ? [version] : []),
    productionOf: () => '1.0.0',
    decoder: createDecoder(),
  };
}

export function ask(hub: MemoryHub, request: object, atMs: number): void {
  hub.append(
    { body: Buffer.from(JSON.stringify(request)), messageId: undefined, correlationId: undefined, properties: {} },
    atMs,
  );
}
