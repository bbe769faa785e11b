import { describe, expect, it } from 'vitest';
import { type Before, type Compared, compare, NOTHING_BEFORE, rememberOf } from '../../../src/drift/compare.ts';
import { addRow, noEndings, noInputs } from '../../../src/drift/counts.ts';
import { makeProfile } from '../../../src/drift/make-profile.ts';
import { createRandom, type SeededRandom } from '../../support/seeded-random.ts';

const FEATURES = [
  { name: 'tenure', type: 'number', input: 'tenure', fill: undefined },
  { name: 'charges', type: 'number', input: 'charges', fill: 0 },
  { name: 'senior', type: 'number', input: 'senior', fill: undefined },
  { name: 'Contract', type: 'string', input: 'Contract', fill: undefined },
  { name: 'note', type: 'string', input: 'note', fill: '' },
] as const;
const ROWS = 1_000;

type Fault = 'none' | 'shift' | 'rename' | 'missing';

function normal(random: SeededRandom): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
}

function row(random: SeededRandom, fault: Fault = 'none'): unknown[] {
  const contract = random.pick(['Month-to-month', 'Month-to-month', 'One year', 'Two year']);
  return [
    30 + 10 * (normal(random) + (fault === 'shift' ? 0.5 : 0)),
    random.next() < (fault === 'missing' ? 0.03 : 0.0001) ? null : Math.exp(normal(random)),
    random.next() < 0.16 ? 1 : 0,
    fault === 'rename' && contract === 'Two year' ? '2 years' : contract,
    `free text ${random.below(1e9)}`,
  ];
}

const many = (rows: number, random: SeededRandom, fault?: Fault) =>
  Array.from({ length: rows }, () => row(random, fault));
const training = (rows: number, random: SeededRandom) =>
  makeProfile({ features: FEATURES, rows: many(rows, random), reference: { kind: 'training' } });

/** Windows one after the other. */
function windows(profile: ReturnType<typeof training>) {
  let before: Before = NOTHING_BEFORE;
  return (rows: readonly unknown[][]): readonly Compared[] => {
    const inputs = noInputs(profile);
    for (const each of rows) addRow(inputs, each, profile);
    const compared = compare(profile, inputs, noEndings(), before);
    before = rememberOf(compared, []);
    return compared;
  };
}

const alarms = (compared: readonly Compared[]) =>
  compared.filter(({ status }) => status === 'alarm').map(({ name }) => name);

describe('drift', () => {
  it.each([
    ['shift', 'tenure'],
    ['rename', 'Contract'],
    ['missing', 'charges'],
  ] as const)(
    'of the kind %s is found in %s within two windows of 1,000 rows, with each of twenty seeds',
    (fault, feature) => {
      for (let seed = 1; seed <= 20; seed++) {
        const random = createRandom(seed);
        const window = windows(training(5_000, random));
        expect(alarms(window(many(ROWS, random)))).toEqual([]);
        const found = [many(ROWS, random, fault), many(ROWS, random, fault)].flatMap(rows => alarms(window(rows)));
        expect(new Set(found), `seed ${seed}`).toEqual(new Set([feature]));
      }
    },
  );

  it.each([442, 5_000, 50_000])(
    'that is none raises no more than two alarms in 1,000 windows against %d rows of training',
    rows => {
      const random = createRandom(rows);
      let raised = 0;
      for (let reference = 0; reference < 10; reference++) {
        const window = windows(training(rows, random));
        for (let i = 0; i < 100; i++) raised += alarms(window(many(ROWS, random))).length;
      }
      expect(raised).toBeLessThanOrEqual(2);
    },
    300_000,
  );
});
