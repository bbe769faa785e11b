import { describe, expect, it } from 'vitest';
import { lnUpperTail } from '../../../src/evidence/hypergeometric.ts';
import { blameInWords, findBlame, type Observation } from '../../../src/verdicts/blame.ts';
import { createRandom, type SeededRandom } from '../../support/seeded-random.ts';

const CONTRACTS = ['Month-to-month', 'One year', 'Two year'];

/** A customer as churn's requests have one: the longer the contract, the longer the tenure. */
function customer(random: SeededRandom): Omit<Observation, 'isBad'> {
  const contract = random.below(3);
  const tenure = Math.round(random.between(1, 30) + contract * 20);
  const features = {
    ...{
      Contract: CONTRACTS[contract],
      tenure,
      SeniorCitizen: random.below(2),
      MonthlyCharges: random.between(20, 120),
    },
    Partner: random.below(2) === 0 ? 'Yes' : 'No',
    TotalCharges: random.below(10) === 0 ? undefined : tenure * 60,
  };
  return { features, segments: random.below(4) === 0 ? ['beta'] : [], bucket: random.below(500) };
}

describe("Fisher's exact test", () => {
  it('is the upper tail of the hypergeometric distribution', () => {
    // The lady tasting tea: 4 of 4 by chance 1/70, 3 or more 17/70.
    expect(Math.exp(lnUpperTail(4, 4, 4, 8))).toBeCloseTo(1 / 70, 12);
    expect(Math.exp(lnUpperTail(3, 4, 4, 8))).toBeCloseTo(17 / 70, 12);
    expect(lnUpperTail(0, 4, 4, 8)).toBeCloseTo(0, 12);
    expect(lnUpperTail(300, 300, 300, 10_000)).toBeLessThan(-1_000);
  });
});

describe('blame', () => {
  const random = createRandom(Number(process.env.TEST_SEED));
  const many = (count: number, isBad: (each: Omit<Observation, 'isBad'>) => boolean): Observation[] =>
    Array.from({ length: count }, () => customer(random)).map(each => ({ ...each, isBad: isBad(each) }));

  it('names the planted fault first, and not what only goes with it', () => {
    for (let round = 0; round < 20; round++) {
      const observations = many(300, ({ features }) => features.Contract === 'Two year');
      const [first, ...more] = findBlame(observations);
      expect(first?.name).toBe('Contract = Two year');
      expect(more).toEqual([]);
      expect(blameInWords(first as never)).toMatch(/^Contract = Two year: (\d+) of \1 bad, 0 of \d+ elsewhere$/);
    }
  });
  it('needs few of them', () => {
    for (let round = 0; round < 20; round++) {
      const [guilty, others] = [many(400, () => true), many(400, () => false)];
      const two = guilty.filter(({ features }) => features.Contract === 'Two year').slice(0, 8);
      const rest = others.filter(({ features }) => features.Contract !== 'Two year').slice(0, 16);
      expect(findBlame([...two, ...rest])[0]?.name).toBe('Contract = Two year');
    }
  });
  it('names it among others that fail now and then', () => {
    const observations = many(2_000, ({ features }) => random.next() < (features.Contract === 'Two year' ? 0.2 : 0.02));
    expect(findBlame(observations)[0]?.name).toBe('Contract = Two year');
  });
  it('names none where the fault is everywhere: in 200 rollouts at most 20', () => {
    let named = 0;
    for (let round = 0; round < 200; round++) {
      const share = [0.02, 0.1, 0.5, 1][round % 4] as number;
      if (findBlame(many(250, () => random.next() < share)).length > 0) named++;
    }
    expect(named).toBeLessThanOrEqual(20);
  });
  it.each([
    ['segment = beta', ({ segments }: Omit<Observation, 'isBad'>) => segments.includes('beta')],
    ['TotalCharges missing', ({ features }: Omit<Observation, 'isBad'>) => features.TotalCharges === undefined],
    ['bucket 77', ({ bucket }: Omit<Observation, 'isBad'>) => bucket === 77],
    ['SeniorCitizen = 1', ({ features }: Omit<Observation, 'isBad'>) => features.SeniorCitizen === 1],
  ])('names %s', (name, isBad) => {
    const observations = many(1_000, isBad).concat(
      Array.from({ length: 10 }, () => ({ ...customer(random), bucket: 77 })).map(each => ({
        ...each,
        isBad: isBad(each),
      })),
    );
    expect(findBlame(observations)[0]?.name).toBe(name);
  });
  it('names a range of a number', () => {
    const observations = many(1_000, ({ features }) => Number(features.MonthlyCharges) >= 100);
    expect(findBlame(observations)[0]?.name).toMatch(/^MonthlyCharges ≥ (9\d|10\d)/);
  });
  it('has nothing to say of nothing', () => {
    expect(findBlame([])).toEqual([]);
    expect(findBlame(many(50, () => false))).toEqual([]);
  });
});
