import { describe, expect, it } from 'vitest';
import { mergeStatistics, NO_STATISTICS } from '../../../src/batch/statistics.ts';
import { openTable } from '../../../src/batch/table.ts';
import type { Feature } from '../../../src/core/model.ts';
import { tableCounting } from '../../../src/drift/count-table.ts';
import { judgeTable } from '../../../src/drift/judge-table.ts';
import { makeProfile } from '../../../src/drift/make-profile.ts';
import { createTableScorer } from '../../../src/scoring/table.ts';
import { batchOptions, csvTable, memorySource, scoreInRanges, sums } from '../../support/batch.ts';
import { randomInputs } from '../../support/seed.ts';

const features = sums.card.features as readonly Feature[];
const reference = { kind: 'training' } as const;
const { next: random } = randomInputs();
/** In tenths, which float32 does not hold; many are 0.7. */
const tenths = () => (random() < 0.4 ? 0.7 : Math.round(random() * 100) / 10);
const rowsOf = (many: number, shift = 0) =>
  Array.from({ length: many }, () => [Math.round((tenths() + shift) * 10) / 10, tenths()]);
const profile = makeProfile({ features, rows: rowsOf(20_000), reference, answers: [] });

describe('drift of a table', () => {
  const scored = async (rows: readonly (readonly number[])[], cuts: readonly number[] = []) => {
    const csv = Buffer.from(`id,a,b\n${rows.map(([a, b], i) => `r${i},${a},${b}`).join('\n')}\n`);
    const scorer = { ...createTableScorer(sums, Date.now), inputs: tableCounting(profile) };
    const table = await openTable(memorySource(csv), { format: 'csv' }, scorer, batchOptions());
    const { statistics } = await scoreInRanges(table, cuts);
    return judgeTable(profile, statistics.inputs ?? { rows: 0, bins: [] }, statistics.classes);
  };

  it('is none where the rows are of the same kind, though float32 rounds their numbers', async () => {
    const { status, rows, features: found } = await scored(rowsOf(5000), [9000, 30_000]);
    expect({ status, rows }).toEqual({ status: 'ok', rows: 5000 });
    expect(found.map(({ name, psi }) => [name, (psi ?? 1) < 0.05])).toEqual([
      ['a', true],
      ['b', true],
    ]);
  });

  it('is an alarm of the feature that moved, and says where to', async () => {
    const { status, features: found } = await scored(rowsOf(5000, 3));
    expect(status).toBe('alarm');
    expect(found.map(each => [each.name, each.status])).toEqual([
      ['a', 'alarm'],
      ['b', 'ok'],
    ]);
    expect(found[0]?.psi).toBeGreaterThan(0.25);
    expect(found[0]?.moved?.now).not.toBe(found[0]?.moved?.reference);
  });

  it('counts every so manieth row, and a fill as what is missing', () => {
    const counter = tableCounting(profile).begin(4);
    counter.addPlain(
      Float32Array.from({ length: 80 }, (_, i) => (i % 2 === 0 ? 0.7 : 5)),
      40,
    );
    for (let i = 0; i < 8; i++) counter.missing(1, 5);
    const { rows, bins } = counter.counts;
    expect(rows).toBe(10);
    expect(bins[0]?.[0]).toBe(0);
    expect(bins[1]?.[0]).toBe(2);
    expect(bins[1]?.reduce((sum, many) => sum + many)).toBe(10);
    expect(Math.max(...(bins[1] ?? []))).toBe(8);
  });

  it('adds up over parts, and stands beside none where there is no profile', async () => {
    const one = { ...NO_STATISTICS, inputs: { rows: 2, bins: [[1, 1]] } };
    const other = { ...NO_STATISTICS, inputs: { rows: 3, bins: [[0, 3]] } };
    expect(mergeStatistics(one, other).inputs).toEqual({ rows: 5, bins: [[1, 4]] });
    expect(mergeStatistics(NO_STATISTICS, other).inputs).toEqual(other.inputs);
    expect('inputs' in mergeStatistics(NO_STATISTICS, NO_STATISTICS)).toBe(false);
    const { statistics } = await scoreInRanges(await csvTable(sums, Buffer.from('id,a,b\nx,1,2\n')), []);
    expect(statistics.inputs).toBeUndefined();
  });
});
