import { describe, expect, it } from 'vitest';
import { brokenLinks } from '../../../../src/batch/jobs/chain.ts';
import { blockId } from '../../../../src/batch/jobs/commit.ts';
import { fillDate, globOf } from '../../../../src/batch/jobs/inputs.ts';
import type { Job } from '../../../../src/batch/jobs/job.ts';
import { progressOf, slaOf } from '../../../../src/batch/jobs/progress.ts';
import type { RecordEntry } from '../../../../src/batch/jobs/records.ts';
import { readRejects, rowsBefore } from '../../../../src/batch/jobs/rejects.ts';
import { stepsOf } from '../../../../src/batch/jobs/status.ts';
import { rejectLines } from '../../../../src/batch/rejects.ts';

const file = (path: string, first_chunk: number, chunks: number) => ({
  path,
  etag: '"1"',
  bytes: 1000,
  from: 10,
  to: 1000,
  first_chunk,
  chunks,
});
const record = (chunk: number, start: number, end: number, generation = 0): RecordEntry => ({
  path: '',
  chunk,
  generation,
  start,
  end,
  rows: 10,
  rejected: 1,
  writtenMs: Date.parse('2026-11-20T02:00:10Z'),
});
const records = (...all: RecordEntry[]) => new Map(all.map(each => [each.chunk, each]));

describe('the chain of records', () => {
  const job = { input: [file('a', 0, 3), file('b', 3, 1)] };

  it('is unbroken where each chunk begins where the one before ended, in every file', () => {
    const whole = records(record(0, 10, 400), record(1, 400, 400), record(2, 400, 1000), record(3, 10, 1000));
    expect(brokenLinks(job, whole)).toEqual([]);
  });

  it('names every chunk that began elsewhere, with where it should have, as another generation', () => {
    const broken = records(record(0, 10, 400), record(1, 390, 700, 1), record(2, 701, 1000), record(3, 12, 1000));
    expect(brokenLinks(job, broken)).toEqual([
      { chunk: 1, generation: 2, start: 400 },
      { chunk: 2, generation: 1, start: 700 },
      { chunk: 3, generation: 1, start: 10 },
    ]);
  });

  it('does not end before the input does', () => {
    const short = records(record(0, 10, 400), record(1, 400, 700), record(2, 700, 990), record(3, 10, 1000));
    expect(() => brokenLinks(job, short)).toThrow(
      'chunk 2 ends at 990 and not at the input’s end, 1000'.replace('’', "'"),
    );
  });
});

describe('progress', () => {
  const job = {
    input: [file('a', 0, 4)],
    timestamp: '2026-11-20T02:00:00Z',
    deadline: '2026-11-20T02:01:00Z',
    history: [{ state: 'running', at: '2026-11-20T02:00:00Z' }],
  } as unknown as Job;

  it('says by the rate so far when a job will be done, and whether in time', () => {
    const half = records(record(0, 10, 250), record(1, 250, 500));
    const after = (seconds: number) => progressOf(job, half, Date.parse('2026-11-20T02:00:00Z') + seconds * 1000);
    expect(after(20)).toMatchObject({
      ...{ chunks: 2, bytes: 500, rows: 20, rejected: 2, rows_per_second: 1 },
      ...{ eta: '2026-11-20T02:00:40.000Z', sla: 'on_track' },
    });
    expect(after(40)).toMatchObject({ eta: '2026-11-20T02:01:20.000Z', sla: 'at_risk' });
    expect(after(61).sla).toBe('missed');
    expect(progressOf(job, new Map(), Date.parse('2026-11-20T02:00:30Z'))).toMatchObject({
      eta: null,
      sla: 'on_track',
    });
  });

  it('is at risk where it ends behind the deadline, missed behind that', () => {
    expect([slaOf(100, 90, 50), slaOf(100, 110, 50), slaOf(100, undefined, 50), slaOf(100, 90, 101)]).toEqual([
      'on_track',
      'at_risk',
      'on_track',
      'missed',
    ]);
  });
});

describe('an input’s name', () => {
  it('takes the day it is given, and no other', () => {
    expect(fillDate('lake/in/dt={date}/{yyyy}/{MM}/{dd}.csv', '2026-11-05')).toBe(
      'lake/in/dt=2026-11-05/2026/11/05.csv',
    );
    expect(fillDate('lake/in.csv', undefined)).toBe('lake/in.csv');
    expect(() => fillDate('lake/{date}.csv', undefined)).toThrow('{date}');
  });

  it('may be a pattern, in which a star stays within its folder', () => {
    expect(globOf('in/a.csv')).toBeUndefined();
    const glob = globOf('in/dt=*/part-?.csv');
    expect(glob?.prefix).toBe('in/dt=');
    const matching = ['in/dt=1/part-0.csv', 'in/dt=1/x/part-0.csv', 'in/dt=1/part-10.csv', 'in/dt=1/part-0xcsv'];
    expect(matching.filter(path => glob?.matches(path))).toEqual(['in/dt=1/part-0.csv']);
    expect(globOf('in/**/*.csv')?.matches('in/a/b/c.csv')).toBe(true);
    expect(globOf('in/**/*.csv')?.matches('in/c.csv')).toBe(true);
  });
});

describe('rejects', () => {
  it('come back as they were written, whatever stands in their rows', () => {
    const rejects = [
      { row: 1, offset: 10, code: 'schema_mismatch', message: 'bmi: "x", no number', raw: 'a,"b\nc"' },
      { row: 7, offset: 99, code: 'malformed_payload', message: 'plain', raw: '' },
    ];
    expect(readRejects(`row,offset,code,message,raw\n${rejectLines(rejects)}`)).toEqual(rejects);
  });

  it('are numbered in the whole, unless they are already', () => {
    const records = [{ rows: 5 }, { rows: 0 }, { rows: 7 }];
    expect(rowsBefore({ id_column: 'id' }, records)).toEqual([0, 5, 5]);
    expect(rowsBefore({ id_column: null }, records)).toEqual([0, 0, 0]);
  });
});

describe('steps', () => {
  const after = (...states: string[]) =>
    stepsOf({
      state: states.at(-1),
      history: states.map((state, i) => ({ state, at: `2026-11-20T02:00:0${i}Z` })),
    } as unknown as Job).map(({ name, state }) => `${name} ${state}`);

  it('show where a job stands, and where it failed', () => {
    expect(after('validating', 'queued', 'running')).toEqual([
      ...['validate done', 'predict running', 'report waiting', 'archive waiting', 'clean-up waiting'],
    ]);
    expect(after('validating', 'queued', 'running', 'committing', 'reporting', 'failed')).toEqual([
      ...['validate done', 'predict done', 'report failed', 'archive waiting', 'clean-up waiting'],
    ]);
    expect(after('validating', 'queued', 'running', 'cancelling', 'cancelled')[1]).toBe('predict cancelled');
  });
});

it('names of blocks have one length, and tell contents apart', () => {
  const ids = [
    blockId('header', 0, 'a'.repeat(64)),
    blockId(7, 0, 'b'.repeat(64)),
    blockId(123456, 12, 'b'.repeat(64)),
  ];
  expect(new Set(ids.map(id => id.length)).size).toBe(1);
  expect(blockId(7, 0, 'b'.repeat(64))).not.toBe(blockId(7, 0, 'c'.repeat(64)));
});
