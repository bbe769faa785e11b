import { setTimeout } from 'node:timers/promises';
import { diabetesCsv, startBatchStack } from '../support/batch-stack.ts';
import type { SeededRandom } from '../support/seeded-random.ts';

/** Of a batch job that is disturbed: rows, and how often its host is killed. */
export interface BatchPlan {
  readonly rows: number;
  readonly kills: number;
  readonly random: SeededRandom;
  say(line: string): void;
}

const WITHIN_MS = 900_000;
/** Of the input that a chunk is, about 500 rows. */
const CHUNK_BYTES = '65536';

/**
 * Scores a file by a job whose host is killed at random moments, and by one that nobody disturbs.
 * @returns what was wrong; empty where both outputs have the same bytes, and nothing was to be seen before the first was whole
 */
export async function playBatchJob({ rows, kills, random, say }: BatchPlan): Promise<readonly string[]> {
  const stack = await startBatchStack();
  const faults: string[] = [];
  try {
    const input = await stack.put('in.csv', diabetesCsv(rows, 200));
    const submit = (output: string) =>
      stack.asked(
        ...['batch', 'submit', input, '--output', `lake/${output}`, '--model', 'diabetes', '--id-column', 'id'],
        ...['--chunk-bytes', CHUNK_BYTES, '--max-rejected', '0.1'],
      );
    let host = await stack.startHost();
    const job = await submit('killed.csv');
    say(`${job.chunks} chunks`);
    const seen: (string | undefined)[] = [];
    const done = async () => (await stack.asked('batch', 'status', job.id)).progress.chunks;
    for (let kill = 0; kill < kills; kill++) {
      // Now and then while it starts, mostly while it works.
      const before = await done();
      const patienceMs = performance.now() + (kill % 4 === 3 ? 0 : 20_000);
      while (performance.now() < patienceMs && (await done()) === before) await setTimeout(20);
      await setTimeout(random.between(0, 1000));
      seen.push(await stack.read('killed.csv'));
      await host.kill();
      host = await stack.startHost();
      say(`killed ${kill + 1} times, ${await done()} chunks done`);
    }
    const ended = await stack.ended(job.id, WITHIN_MS);
    if (ended.state !== 'succeeded') return [`the job is ${ended.state}: ${ended.error?.message}`];
    const whole = await stack.read('killed.csv');
    if (seen.some(before => before !== undefined && before !== whole)) faults.push('a part of the output was seen');

    const calm = await stack.ended((await submit('calm.csv')).id, WITHIN_MS);
    if (calm.state !== 'succeeded') return [...faults, `undisturbed the job is ${calm.state}`];
    const [one, other] = [whole, await stack.read('calm.csv')].map(withoutTimes);
    if (one !== other) faults.push('kills changed the output');
    say(`${one?.length} bytes, the same after ${kills} kills: ${one === other}; ${ended.progress.rows} rows`);
    return faults;
  } finally {
    await stack.stop();
  }
}

/** Each job has its own time in its rows. */
const withoutTimes = (csv: string | undefined) => csv?.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'T');
