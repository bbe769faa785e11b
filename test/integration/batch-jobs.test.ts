import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type BatchStack, diabetesCsv, type JobView, startBatchStack } from '../support/batch-stack.ts';
import { captured } from '../support/captured.ts';
import { temporaryFolder } from '../support/models.ts';

let stack: BatchStack;
beforeAll(async () => {
  stack = await startBatchStack();
}, 60_000);
afterAll(() => stack.stop());

const MODEL = ['--model', 'diabetes', '--id-column', 'id'];
const submit = (input: string, output: string, ...more: readonly string[]) =>
  stack.asked('batch', 'submit', input, '--output', output, ...MODEL, ...more);
const withoutTimes = (csv: string | undefined) => csv?.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'T');
const idsOf = (csv: string | undefined) =>
  (csv ?? '')
    .trim()
    .split('\n')
    .slice(1)
    .map(line => line.split(',')[0]);

describe('batch jobs', { timeout: 400_000 }, () => {
  it('give the same bytes whatever is killed, and nothing is to be seen before', async () => {
    const input = await stack.put('in/killed.csv', diabetesCsv(3000, 100));
    let host = await stack.startHost({ BATCH_CHUNKS_IN_FLIGHT: '3' });
    const job = await submit(input, 'lake/out/killed.csv', '--chunk-bytes', '20000', '--max-rejected', '0.1');
    expect(job).toMatchObject({ state: 'running' });
    expect(job.chunks).toBeGreaterThan(12);
    const seen: (string | undefined)[] = [];
    for (let kills = 0; kills < 3; kills++) {
      await vi.waitFor(
        async () => expect((await stack.asked('batch', 'status', job.id)).progress.chunks).toBeGreaterThan(kills * 2),
        { timeout: 120_000, interval: 50 },
      );
      seen.push(await stack.read('out/killed.csv'));
      await host.kill();
      host = await stack.startHost({ BATCH_CHUNKS_IN_FLIGHT: '3' });
    }
    const ended = await stack.ended(job.id);
    expect(ended).toMatchObject({ state: 'succeeded', error: null, progress: { rows: 3000, rejected: 30 } });
    expect(ended.steps.map(({ name, state }) => `${name} ${state}`)).toEqual(
      ['validate', 'predict', 'report', 'archive', 'clean-up'].map(name => `${name} done`),
    );
    const whole = await stack.read('out/killed.csv');
    for (const before of seen) expect([undefined, whole]).toContain(before);
    expect(idsOf(whole)).toEqual(
      Array.from({ length: 3000 }, (_, i) => i)
        .filter(i => i % 100 !== 99)
        .map(i => `row-${i}`),
    );

    const undisturbed = await submit(input, 'lake/out/undisturbed.csv', '--max-rejected', '0.1');
    expect((await stack.ended(undisturbed.id)).state).toBe('succeeded');
    expect(withoutTimes(await stack.read('out/undisturbed.csv'))).toBe(withoutTimes(whole));

    const { rejects } = await stack.asked<{ rejects: { row: number; code: string; raw: string }[] }>(
      ...['batch', 'rejects', job.id],
    );
    expect(rejects.map(({ row }) => row)).toEqual(Array.from({ length: 30 }, (_, i) => 100 * (i + 1)));
    expect(rejects[3]).toMatchObject({ code: 'schema_mismatch', raw: expect.stringContaining('row-399') });
    const report = await stack.asked<{ rows: object; score: { mean: number } }>('batch', 'report', job.id);
    expect(report.rows).toEqual({ read: 3000, scored: 2970, rejected: 30 });
    expect(report.score.mean).toBeGreaterThan(0);
    // Only what somebody may want is kept.
    const left: string[] = [];
    for await (const { name } of stack.jobs.listBlobsFlat({ prefix: `jobs/${job.id}/` })) left.push(name);
    expect(left.map(name => name.split('/').slice(2).join('/'))).toEqual([
      'job.json',
      'rejects.csv',
      'report.html',
      'report.json',
      'report.txt',
    ]);
    await host.stop();
  });

  it('are refused before they begin where the input cannot be scored, or something is at the output', async () => {
    const good = diabetesCsv(50);
    const cases: [string, string, RegExp][] = [
      ['nameless', good.replace('bmi', 'bmx'), /in\/nameless\.csv.*"bmi" \(the nearest is "bmx"\)/],
      ['empty', '', /in\/empty\.csv is empty/],
      ['hopeless', good.replace(/,78/g, ',x'), /all of the first \d+ rows are rejected/],
    ];
    for (const [name, content, said] of cases) {
      const input = await stack.put(`in/${name}.csv`, content);
      const { code, err } = await stack.hubscore(
        'batch',
        'submit',
        input,
        '--output',
        `lake/out/${name}.csv`,
        ...MODEL,
      );
      expect([code, err]).toEqual([2, expect.stringMatching(said)]);
      expect(await stack.read(`out/${name}.csv`)).toBeUndefined();
    }
    const input = await stack.put('in/good.csv', good);
    const refusals: [string, RegExp][] = [
      ['models/diabetes/out.csv', /container with the models/],
      ['batch/jobs/x/out.csv', /the jobs' own files/],
      ['out.csv', /container\/path/],
    ];
    await stack.put('out/there.csv', 'precious');
    refusals.push(['lake/out/there.csv', /something is there already/]);
    for (const [output, said] of refusals) {
      const { code, err } = await stack.hubscore('batch', 'submit', input, '--output', output, ...MODEL);
      expect([output, code, err]).toEqual([output, 2, expect.stringMatching(said)]);
    }
    expect(await stack.read('out/there.csv')).toBe('precious');
    const absent = await stack.hubscore(
      'batch',
      'submit',
      'lake/in/nowhere.csv',
      '--output',
      'lake/out/n.csv',
      ...MODEL,
    );
    expect(absent).toMatchObject({ code: 2, err: expect.stringContaining('there is no such blob') });
  });

  it('can be cancelled, and a retry does what is missing and nothing else', async () => {
    const input = await stack.put('in/cancelled.csv', diabetesCsv(2000));
    const job = await submit(input, 'lake/out/cancelled.csv', '--chunk-bytes', '20000');
    const host = await stack.startHost({ BATCH_CHUNKS_IN_FLIGHT: '2' });
    await vi.waitFor(
      async () => expect((await stack.asked('batch', 'status', job.id)).progress.chunks).toBeGreaterThan(1),
      { timeout: 120_000, interval: 20 },
    );
    await host.kill();
    expect(await stack.asked('batch', 'cancel', job.id)).toMatchObject({ state: 'cancelled' });
    expect(await stack.read('out/cancelled.csv')).toBeUndefined();
    const records = await recordsOf(job);
    expect(records.size).toBeGreaterThan(1);
    // Another job may have the output now, and gives it back where it is cancelled, too.
    const other = await submit(input, 'lake/out/cancelled.csv');
    const refused = await stack.hubscore('batch', 'retry', job.id);
    expect(refused).toMatchObject({ code: 2, err: expect.stringContaining(`is being written by job ${other.id}`) });
    await stack.asked('batch', 'cancel', other.id);

    const retried = await stack.asked('batch', 'retry', job.id);
    expect(retried).toMatchObject({ state: 'running', attempt: 2 });
    expect(await recordsOf(job)).toEqual(records);
    const again = await stack.startHost();
    expect((await stack.ended(job.id)).state).toBe('succeeded');
    expect(idsOf(await stack.read('out/cancelled.csv'))).toEqual(Array.from({ length: 2000 }, (_, i) => `row-${i}`));
    const done = await stack.hubscore('batch', 'retry', job.id);
    expect(done).toMatchObject({ code: 2, err: expect.stringContaining('only a job that failed or was cancelled') });
    await again.stop();
  });

  it('fail, and say why, where the input changes while they run, or too many rows are rejected', async () => {
    const input = await stack.put('in/changed.csv', diabetesCsv(1000));
    const changed = await submit(input, 'lake/out/changed.csv', '--chunk-bytes', '20000');
    await stack.put('in/changed.csv', diabetesCsv(1001));
    const bad = await stack.put('in/bad.csv', diabetesCsv(1000, 5));
    const rejected = await submit(bad, 'lake/out/bad.csv');
    const host = await stack.startHost();
    expect(await stack.ended(changed.id)).toMatchObject({
      state: 'failed',
      error: { message: expect.stringMatching(/the input was changed or deleted while the job ran/) },
    });
    const failed = await stack.ended(rejected.id);
    expect(failed.error?.message).toMatch(/^200 of 1000 rows are rejected \(20 %\), at most 1 % may be:\n {2}row 5: /);
    expect(await stack.read('out/bad.csv')).toBeUndefined();
    const { rejects } = await stack.asked<{ rejects: unknown[] }>('batch', 'rejects', rejected.id);
    expect(rejects).toHaveLength(200);
    await host.stop();
  });

  it('number rows in the whole where no column names them, as on this machine', async () => {
    const csv = diabetesCsv(1500, 70);
    const folder = temporaryFolder();
    writeFileSync(join(folder.path, 'in.csv'), csv);
    const [here, there] = [join(folder.path, 'in.csv'), join(folder.path, 'out.csv')];
    const more = ['--model', 'diabetes', '--include-features', '--max-rejected', '0.1'];
    expect(await stack.hubscore('batch', 'score', here, there, ...more)).toMatchObject({ code: 0 });
    const local = withoutTimes(readFileSync(there, 'utf8'));
    folder.remove();
    expect(local).toMatch(/^row,prediction_score,.*\n1,0\./);

    const packed = await stack.put('in/numbered.csv.gz', gzipSync(csv));
    const plain = await stack.put('in/numbered.csv', csv);
    const host = await stack.startHost({ BATCH_CHUNKS_IN_FLIGHT: '4' });
    const wide = await stack.put('in/numbered.wide.csv.zst', zstdCompressSync(Buffer.from(`\uFEFF${csv}`, 'utf16le')));
    for (const [i, input] of [plain, packed, wide].entries()) {
      const output = `lake/out/numbered-${i}.csv`;
      const args = ['batch', 'submit', input, '--output', output, '--chunk-bytes', '20000', ...more];
      const job = await stack.asked(...args);
      expect(job.chunks).toBeGreaterThanOrEqual(5);
      expect((await stack.ended(job.id)).error).toBeNull();
      // What was unpacked for it is gone with the other remains.
      for await (const { name } of stack.jobs.listBlobsFlat({ prefix: `jobs/${job.id}/` }))
        expect(name).not.toContain('unpacked');
      expect(withoutTimes(await stack.read(output.slice(5)))).toBe(local);
      const { rejects } = await stack.asked<{ rejects: { row: number }[] }>('batch', 'rejects', job.id);
      expect(rejects.slice(0, 2).map(({ row }) => row)).toEqual([70, 140]);
    }
    await host.stop();
  });

  it('find where parts begin by their quotes, where texts are full of what looks like rows', async () => {
    const fake = `"\n${Array(60).fill('x,1,2,3,4,5,6,7,8,9,10,11\n').join('')}"`;
    const csv = diabetesCsv(200, 0, [fake]);
    const input = await stack.put('in/hostile.csv', csv);
    const host = await stack.startHost();
    const job = await submit(input, 'lake/out/hostile.csv', '--chunk-bytes', '10000');
    expect(job.chunks).toBeGreaterThan(25);
    expect(await stack.ended(job.id)).toMatchObject({ error: null, progress: { rows: 200, rejected: 0 } });
    expect(idsOf(await stack.read('out/hostile.csv'))).toEqual(Array.from({ length: 200 }, (_, i) => `row-${i}`));
    expect(host.log()).toContain('the quotes of all are counted');
    await host.stop();
  });

  it('read files of Capture as the stream reads their events, here and there', async () => {
    const features = (i: number) => [63, 1, 24.4, 73, 160, 91.4, 48, 3, 4.6347, 78 + (i % 97) / 97];
    const requests = Array.from({ length: 900 }, (_, i) => ({ request_id: `r${i}`, features: features(i) }));
    const bodies = requests.map((request, i) =>
      i % 90 === 89 ? { ...request, features: ['x'] } : i % 90 === 45 ? { ...request, model: 'another' } : request,
    );
    const files = [
      await captured(bodies.slice(0, 400), 'deflate', [], 4096),
      await captured(bodies.slice(400), 'null', [], 4096),
    ];
    const folder = temporaryFolder();
    for (const [i, file] of files.entries()) {
      writeFileSync(join(folder.path, `${i}.avro`), file);
      await stack.put(`capture/${i}.avro`, file);
    }
    const [here, there] = [join(folder.path, '*.avro'), join(folder.path, 'out.csv')];
    const more = ['--model', 'diabetes', '--max-rejected', '0.1', '--chunk-bytes', '20000'];
    expect(await stack.hubscore('batch', 'score', here, there, ...more)).toMatchObject({ code: 0, err: '' });
    const local = readFileSync(there, 'utf8');
    folder.remove();
    expect(idsOf(local)).toEqual(
      Array.from({ length: 900 }, (_, i) => i)
        .filter(i => i % 90 !== 89 && i % 90 !== 45)
        .map(i => `r${i}`),
    );

    const host = await stack.startHost();
    const job = await stack.asked('batch', 'submit', 'lake/capture/', '--output', 'lake/out/captured.csv', ...more);
    expect(job.chunks).toBeGreaterThan(4);
    expect(await stack.ended(job.id)).toMatchObject({ error: null, progress: { rows: 890, rejected: 10 } });
    expect(withoutTimes(await stack.read('out/captured.csv'))).toBe(withoutTimes(local));
    await host.stop();
  });

  it('answer by HTTP as by command', async () => {
    const host = await stack.startHost({ HTTP_AUTH_LEVEL: 'anonymous' });
    await stack.put('in/web/a.csv', diabetesCsv(100));
    await stack.put('in/web/b.csv', diabetesCsv(50));
    const ask = async (method: string, path: string, body?: unknown) => {
      const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
      const response = await fetch(`${host.url}/batch/jobs${path}`, init);
      const text = await response.text();
      return { status: response.status, location: response.headers.get('location'), text };
    };
    const request = {
      id: 'web',
      input: 'lake/in/web/*.csv',
      output: 'lake/out/web.csv',
      model: 'diabetes',
      id_column: 'id',
      archive: 'lake/old',
      archive_tier: 'Cool',
    };
    const created = await ask('POST', '', request);
    expect([created.status, created.location]).toEqual([202, '/batch/jobs/web']);
    // Asked for twice, it is made once.
    expect((await ask('POST', '', request)).status).toBe(200);
    await vi.waitFor(
      async () => expect(JSON.parse((await ask('GET', '/web')).text)).toMatchObject({ state: 'succeeded' }),
      { timeout: 120_000, interval: 200 },
    );
    expect(idsOf(await stack.read('out/web.csv'))).toHaveLength(150);
    expect(await stack.read('old/web.csv')).toBe(await stack.read('out/web.csv'));
    expect((await stack.lake.getBlobClient('old/web.csv').getProperties()).accessTier).toBe('Cool');
    const strict = { ...request, id: 'strict', output: 'lake/out/strict.csv', fail_on_drift: true };
    expect((await ask('POST', '', strict)).status).toBe(202);
    const failed = await stack.ended('strict');
    expect(failed.error?.message).toMatch(/not what the version was trained on:(\n.*)*\n {2}alarm: age: psi/);
    expect(await stack.read('out/strict.csv')).toBeUndefined();
    // One output of each file.
    const each = { ...request, id: 'each', output: 'lake/out/each/{name}.csv', archive: 'lake/old/each' };
    expect((await ask('POST', '', each)).status).toBe(202);
    expect((await stack.ended('each')).error).toBeNull();
    expect(idsOf(await stack.read('out/each/a.csv'))).toHaveLength(100);
    expect(idsOf(await stack.read('out/each/b.csv'))).toHaveLength(50);
    expect(await stack.read('old/each/b.csv')).toBe(await stack.read('out/each/b.csv'));
    const { jobs } = JSON.parse((await ask('GET', '')).text) as { jobs: JobView[] };
    expect(jobs.map(({ id }) => id)).toContain('web');
    const report = JSON.parse((await ask('GET', '/web/report')).text);
    expect(report).toMatchObject({ rows: { scored: 150, rejected: 0 } });
    // All rows are of one age, and not so the training data.
    expect(report.drift).toMatchObject({ status: 'alarm', rows: 150 });
    expect(report.drift.features).toContainEqual(expect.objectContaining({ name: 'age', status: 'alarm' }));
    expect((await stack.hubscore('batch', 'report', 'web')).out).toMatch(/^drift {5}alarm: age: psi \d/m);
    expect((await ask('GET', '/web/rejects')).text).toBe('row,offset,code,message,raw\n');
    expect((await ask('POST', '/web/retry')).status).toBe(409);
    expect((await ask('DELETE', '/web')).status).toBe(409);
    expect((await ask('GET', '/nobody')).status).toBe(404);
    const other = { ...request, id: 'x', output: 'lake/out/other.csv' };
    expect((await ask('POST', '', { ...other, model: 'nobody' })).status).toBe(404);
    expect((await ask('POST', '', { ...other, input: 'lake/in/none.csv' })).status).toBe(422);
    expect((await ask('POST', '', { ...other, outptu: 1 })).status).toBe(400);
    await host.stop();
  });
});

/** ETags of a job's records by name. */
async function recordsOf(job: JobView): Promise<ReadonlyMap<string, string>> {
  const records = new Map<string, string>();
  for await (const { name, properties } of stack.jobs.listBlobsFlat({ prefix: `jobs/${job.id}/parts/` }))
    records.set(name, properties.etag);
  return records;
}
