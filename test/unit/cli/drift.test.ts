import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { driftLines } from '../../../src/cli/drift-show.ts';
import { driftSaid } from '../../../src/cli/drift-status.ts';
import { readTrainingRows } from '../../../src/cli/train-csv.ts';
import type { Feature } from '../../../src/core/model.ts';
import { NOTHING_BEFORE } from '../../../src/drift/compare.ts';
import { addRow, noEndings, noInputs } from '../../../src/drift/counts.ts';
import { reportOf } from '../../../src/drift/report.ts';
import { customer, trainedOn } from '../../support/drift.ts';
import { temporaryFolder } from '../../support/models.ts';
import { createRandom } from '../../support/seeded-random.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());

function csv(text: string): string {
  const path = join(folder.path, 'train.csv');
  writeFileSync(path, text);
  return path;
}

const features = (...given: readonly (readonly [name: string, fill?: number])[]) =>
  given.map(([name, fill]) => ({ name, fill, type: 'number', input: name }) as unknown as Feature);

describe('training data', () => {
  it('is read by the names of the features, whatever else stands there', async () => {
    const path = csv('\ufeffid;b;a;note\r\n1;2.5;"7";"x;""y"""\r\n\r\n2;;8;z');
    expect(await readTrainingRows(path, features(['a'], ['b'], ['c', 0]))).toEqual({
      rows: [
        ['7', '2.5', undefined],
        ['8', '', undefined],
      ],
      seen: 2,
      byPlace: false,
    });
  });

  it('is read by place where no column bears the name of a feature', async () => {
    const read = await readTrainingRows(csv('age,bmi,target\n1,2,0\n3,4,1\n'), features(['X_0'], ['X_1']));
    expect(read).toEqual({
      rows: [
        ['1', '2'],
        ['3', '4'],
      ],
      seen: 2,
      byPlace: true,
    });
  });

  it.each([
    ['a\n1\n', /train\.csv has no column "b".*/],
    ['a,b\n1,2\n3\n', /train\.csv: row 2: it has 1 cells, the header 2/],
    ['', /train\.csv: the file is empty/],
  ])('is refused where it does not fit: %j', async (text, words) => {
    await expect(readTrainingRows(csv(text), features(['a'], ['b']))).rejects.toThrow(words);
  });

  it('is read whole where it is larger than a block', async () => {
    const rows = Array.from({ length: 200_000 }, (_, i) => `${i},${i % 7},something`);
    const read = await readTrainingRows(csv(`a,b,c\n${rows.join('\n')}\n`), features(['a'], ['b']));
    expect([read.seen, read.rows.length]).toEqual([200_000, 100_000]);
    expect(read.rows.every(([a, b]) => Number(a) % 7 === Number(b))).toBe(true);
  });
});

describe('what drift says', () => {
  const random = createRandom(5);
  const profile = trainedOn(random);
  const plain = (_: unknown, text: string) => text;

  function report(moved: number, before = NOTHING_BEFORE) {
    const inputs = noInputs(profile);
    for (let i = 0; i < 2_000; i++)
      addRow(inputs, i % 20 === 0 ? [null, 'One year'] : customer(random, moved), profile);
    const fromMs = Date.parse('2026-11-20T08:00:00Z');
    const about = {
      model: 'churn',
      version: '1.0.0',
      profile: 'aaaaaaaa',
      size: '1h',
      toMs: fromMs + 3_600_000,
    } as const;
    return reportOf(about, profile, { fromMs, inputs, endings: noEndings() }, before);
  }

  it('names what moved, by how much, what is missing, and what to do', () => {
    const { report: second } = report(0.6, report(0.6).remember);
    const said = driftSaid('churn', '1.0.0', profile, [second]);
    expect(said).toMatchObject({
      status: 'alarm',
      reference: { kind: 'training', rows: 5_000 },
      alarms: ['tenure'],
      windows: { '1h': { rows: 2_000, from: '2026-11-20T08:00:00.000Z', status: 'alarm' } },
    });
    const lines = driftLines(said, plain);
    expect(lines[0]).toBe('churn 1.0.0  alarm');
    expect(lines[1]).toBe('held against the training data: 5000 rows');
    expect(lines[2]).toBe('1h   2026-11-20 08:00 to 2026-11-20 09:00 UTC, 2000 rows: alarm');
    expect(lines[3]).toMatch(
      /^ {2}alarm {3}tenure: JS 0\.\d{3}, PSI 0\.\d{3}; .+ to .+: 10\.0 %, now \d+\.\d %; missing: 100 of 2000, where 1\.0 % are in order$/,
    );
    expect(lines.at(-1)).toBe('What to do: docs/drift.md#at-an-alarm');
  });

  it('says what is needed where there is no reference, or no window yet', () => {
    expect(driftSaid('churn', '1.0.0', undefined, [])).toMatchObject({ status: 'unknown', reference: null });
    expect(driftSaid('churn', '1.0.0', undefined, []).next).toContain('--adopt');
    const adopted = { ...profile, reference: { kind: 'production', from: 'a', to: 'b' } as const };
    expect(driftLines(driftSaid('churn', '1.0.0', adopted, []), plain)[1]).toContain('nobody knows');
  });
});
