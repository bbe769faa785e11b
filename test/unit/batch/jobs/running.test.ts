import { describe, expect, it } from 'vitest';
import { cancelJob, failJob, retryJob, startJob } from '../../../../src/batch/jobs/control.ts';
import { finishIfDone } from '../../../../src/batch/jobs/finish.ts';
import { tendJobs } from '../../../../src/batch/jobs/tend.ts';
import { failPoisoned, workOn } from '../../../../src/batch/jobs/work.ts';
import { jobWorld, never } from '../../../support/job-world.ts';
import { randomInputs } from '../../../support/seed.ts';

type World = ReturnType<typeof jobWorld>;

async function drain(world: World): Promise<void> {
  while (await world.step());
}
const tend = ({ room }: World) => tendJobs(room, 30, never);

async function undisturbed(chunks: number): Promise<string | undefined> {
  const world = jobWorld();
  world.input('lake/in.csv', chunks);
  await world.submit();
  await drain(world);
  return world.memory.text('lake/out.csv');
}

class Killed extends Error {}

describe('a job', () => {
  it('keeps so many messages in the queue and no more, and does each chunk once', async () => {
    const world = jobWorld({ inFlight: 3 });
    world.input('lake/in.csv', 10);
    await world.submit();
    let most = 0;
    do most = Math.max(most, world.queue.length);
    while (await world.step());
    expect(most).toBe(3);
    expect(world.scored.map(({ chunk }) => chunk)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(await world.job()).toMatchObject({ state: 'succeeded', progress: { chunks: 10, rows: 640 } });
    expect(world.memory.text('lake/out.csv')?.length).toBe('head\n'.length + 2 * 10 * 4096 - 640);
    expect(world.told.filter(what => what !== 'scored')).toEqual(['job succeeded']);
    expect(world.memory.paths()).toEqual([
      ...['batch/jobs/job/job.json', 'batch/jobs/job/rejects.csv', 'batch/jobs/job/report.html'],
      ...['batch/jobs/job/report.json', 'batch/jobs/job/report.txt'],
      expect.stringMatching(/^batch\/jobs\/outputs\/[0-9a-f]{32}\.json$/),
      ...['lake/in.csv', 'lake/out.csv'],
    ]);
  });

  it('gives the same bytes whoever is killed at whatever call, and nothing is to be seen before', async () => {
    const whole = await undisturbed(7);
    const { next: random } = randomInputs();
    let kills = 0;
    for (let round = 0; round < 60; round++) {
      const world = jobWorld({ inFlight: 2 });
      const { memory, queue } = world;
      world.input('lake/in.csv', 7);
      // Where rows are numbered, chunks are counted before.
      await world.submit(round % 2 === 0 ? {} : { id_column: undefined });
      // The dead do nothing more: no catch of theirs either.
      let dead = false;
      const kill = () => {
        dead ||= random() < 0.04;
        if (dead) throw new Killed();
      };
      const worker = async () => {
        dead = false;
        memory.before = kill;
        memory.after = kill;
        try {
          if (random() < 0.1) await tend(world);
          else await world.step(count => Math.floor(random() * count));
        } catch (thrown) {
          if (!(thrown instanceof Killed)) throw thrown;
          kills++;
        }
        memory.before = () => {};
        memory.after = () => {};
        if (random() < 0.05) queue.push(...queue.slice(0, 1)); // a message may come twice
        if (random() < 0.03) queue.shift(); // and who had it may keep it for long
      };
      for (let turn = 0; turn < 2000 && (await world.job()).state !== 'succeeded'; turn++) {
        await worker();
        expect([undefined, whole]).toContain(memory.text('lake/out.csv'));
        world.pass(20);
      }
      expect([round, (await world.job()).state]).toEqual([round, 'succeeded']);
      expect(memory.text('lake/out.csv')).toBe(whole);
    }
    expect(kills).toBeGreaterThan(60); // one a round at least
  });

  it('is finished by any number at once, and its output appears once', async () => {
    const world = jobWorld();
    world.input('lake/in.csv', 4);
    await world.submit({ archive: 'lake/old' });
    const { room, memory, queue } = world;
    const bodies = queue.map(({ message }) => message);
    await Promise.all(
      [...bodies, { job: 'job', chunk: 3 }, ...bodies, { job: 'job', chunk: 3 }].map(body => workOn(room, body, never)),
    );
    await drain(world);
    expect((await world.job()).state).toBe('succeeded');
    expect(memory.calls.filter(call => call === 'commit lake/out.csv').length).toBeGreaterThan(0);
    expect(memory.text('lake/out.csv')).toBe(await undisturbed(4));
    expect(memory.text('lake/old/out.csv')).toBe(memory.text('lake/out.csv'));
    expect(world.told.filter(what => what === 'job succeeded')).toHaveLength(1);
  });

  it('does a chunk again that began in the wrong place, from where the one before ended', async () => {
    const world = jobWorld();
    world.input('lake/in.csv', 6);
    world.faults.start = ({ chunk, start }) => (start === undefined && (chunk === 2 || chunk === 4) ? 64 : 0);
    await world.submit();
    await drain(world);
    expect(world.scored.slice(6)).toEqual([
      { job: 'job', chunk: 2, generation: 1, start: 2 * 4096 },
      { job: 'job', chunk: 4, generation: 1, start: 4 * 4096 },
    ]);
    expect(world.memory.text('lake/out.csv')).toBe(await undisturbed(6));
  });

  it('counts the quotes of all chunks where many began in the wrong place, and does those again, each once', async () => {
    const world = jobWorld({ inFlight: 4 });
    world.input('lake/in.csv', 40);
    // A wrong chunk's end is wrong, too, as inside quotes.
    const wrong = (chunk: number) => chunk % 3 === 1;
    world.faults.start = ({ chunk, start }) => (start === undefined && wrong(chunk) ? 64 : 0);
    world.faults.end = ({ chunk, start }) => (start === undefined && wrong(chunk) ? 64 : 0);
    await world.submit();
    let most = 0;
    do most = Math.max(most, world.queue.length);
    while (await world.step());
    expect(most).toBe(4);
    const again = Array.from({ length: 40 }, (_, chunk) => chunk).filter(wrong);
    expect(world.scored.slice(40)).toEqual(
      again.map(chunk => ({ job: 'job', chunk, generation: 1, start: chunk * 4096 })),
    );
    expect(await world.job()).toMatchObject({ state: 'succeeded', quotes: 'counted' });
    expect(world.memory.text('lake/out.csv')).toBe(await undisturbed(40));
    expect(world.memory.paths().filter(path => path.includes('/quotes/'))).toEqual([]);
  });

  it('counts all chunks before it scores them where rows are numbered', async () => {
    const world = jobWorld({ inFlight: 2 });
    world.input('lake/in.csv', 4);
    world.faults.start = ({ chunk, start }) => (start === undefined && chunk === 2 ? 64 : 0);
    await world.submit({ id_column: undefined });
    await drain(world);
    expect(world.scored.map(({ chunk, generation }) => [chunk, generation])).toEqual([
      ...[
        [0, 0],
        [1, 0],
        [2, 0],
        [3, 0],
        [2, 1],
      ],
      ...[
        [0, 0],
        [1, 0],
        [2, 0],
        [3, 0],
      ],
    ]);
    expect(world.numbers).toEqual([1, 65, 129, 193]);
    expect(world.memory.text('lake/out.csv')).toBe(await undisturbed(4));
  });

  it('makes blocks again that expired before the commit', async () => {
    const world = jobWorld();
    world.input('lake/in.csv', 3);
    await world.submit();
    world.memory.before = doing => {
      if (doing !== 'blocks of lake/out.csv') return;
      world.memory.before = () => {};
      world.memory.dropBlocks();
    };
    await drain(world);
    expect(world.scored).toHaveLength(6);
    expect(world.memory.text('lake/out.csv')).toBe(await undisturbed(3));
  });

  it('leaves alone what somebody else put at its output meanwhile', async () => {
    const world = jobWorld();
    world.input('lake/in.csv', 2);
    await world.submit();
    world.memory.put('lake/out.csv', 'precious');
    await drain(world);
    expect(world.memory.text('lake/out.csv')).toBe('precious');
    expect((await world.job()).error?.message).toMatch(/something else was written there/);
  });

  it.each([100, 400])('is finished in some calls a chunk, of %i chunks', async chunks => {
    const world = jobWorld({ inFlight: 200 });
    world.input('lake/in.csv', chunks);
    await world.submit();
    await drain(world);
    const { calls } = world.memory;
    const scored = calls.findLastIndex(call => call.startsWith('write batch/jobs/job/parts/'));
    const finish = calls.slice(scored + 1);
    // A record is read and taken away.
    expect(finish.length).toBeLessThan(2 * chunks + 40);
    expect(finish.filter(call => call.startsWith('list')).length).toBeLessThan(10);
    expect(calls.length).toBeLessThan(8 * chunks + 200);
  });

  it('makes an output of each file, called after it, where its name says so', async () => {
    const world = jobWorld({ inFlight: 2 });
    world.input('lake/in/a.csv', 3);
    world.input('lake/in/b.csv.gz', 2);
    await world.submit({ input: 'lake/in/', output: 'lake/out/{name}.csv', archive: 'old/x', archive_tier: 'Cool' });
    await drain(world);
    expect(await world.job()).toMatchObject({
      state: 'succeeded',
      input: [{ output: 'lake/out/a.csv' }, { output: 'lake/out/b.csv' }],
    });
    expect(world.memory.text('lake/out/a.csv')).toBe(await undisturbed(3));
    expect(world.memory.text('lake/out/b.csv')).toBe(await undisturbed(2));
    expect(world.memory.calls.filter(call => call.startsWith('copy'))).toEqual([
      'copy to old/x/a.csv as Cool',
      'copy to old/x/b.csv as Cool',
    ]);
    await expect(world.submit({ id: 'x', input: 'lake/in/', output: 'lake/out/{name}.csv' })).rejects.toThrow(
      'output lake/out/a.csv: something is there already',
    );
    world.input('lake/in/sub/a.csv', 1);
    await expect(world.submit({ id: 'x', input: 'lake/in/', output: 'lake/{name}.csv' })).rejects.toThrow(
      'lake/in/a.csv and lake/in/sub/a.csv would both be written there',
    );
  });

  it('shows a folder of Parquet as whole by _SUCCESS, which comes last and names its parts', async () => {
    const world = jobWorld();
    world.input('lake/in.csv', 3);
    await world.submit({ output: 'lake/out', format: 'parquet' });
    await drain(world);
    const written = world.memory.calls.filter(call => /^(commit|write) lake\/out/.test(call));
    expect(written.at(-1)).toBe('write lake/out/_SUCCESS');
    const { rows, parts } = JSON.parse(world.memory.text('lake/out/_SUCCESS') ?? '');
    expect([rows, parts.map(({ path }: { path: string }) => path)]).toEqual([
      192,
      ['part-000000.parquet', 'part-000001.parquet', 'part-000002.parquet'],
    ]);
  });
});

describe('a chunk that fails', () => {
  it('is tried again later, ever later, and fails its job at the third time; a retry does only that one', async () => {
    const world = jobWorld({ retrySeconds: 600 });
    world.input('lake/in.csv', 3);
    world.faults.score = ({ chunk }) => {
      if (chunk === 1) throw new Error('the model is away');
    };
    await world.submit();
    await drain(world);
    expect(world.queue.map(({ dueMs }) => dueMs - world.room.clock())).toEqual([600_000]);
    world.pass(600);
    await drain(world);
    expect(world.queue.map(({ dueMs }) => dueMs - world.room.clock())).toEqual([1_200_000]);
    // Nobody takes it for lost meanwhile.
    world.pass(300);
    await tend(world);
    expect(world.queue).toHaveLength(1);
    world.pass(900);
    await drain(world);
    expect(await world.job()).toMatchObject({
      state: 'failed',
      error: { message: 'chunk 1 failed 3 times, at last: the model is away', chunks: [1] },
    });
    expect(world.memory.text('lake/out.csv')).toBeUndefined();
    world.faults.score = () => {};
    world.scored.length = 0;
    await retryJob(world.room, 'job', never);
    await drain(world);
    expect(world.scored.map(({ chunk }) => chunk)).toEqual([1]);
    expect(await world.job()).toMatchObject({ state: 'succeeded', attempt: 2, error: null });
    expect(world.memory.text('lake/out.csv')).toBe(await undisturbed(3));
  });

  it('fails its job where its message is poison, unless it was done after all', async () => {
    const world = jobWorld();
    world.input('lake/in.csv', 3);
    await world.submit();
    await world.step();
    await failPoisoned(world.room, { job: 'job', chunk: 0 }, never);
    expect((await world.job()).state).toBe('running');
    await failPoisoned(world.room, { job: 'job', chunk: 2 }, never);
    expect((await world.job()).error?.message).toMatch(/^chunk 2 was given up/);
    expect(world.told).toContain('poison');
    // What is still in the queue is left off.
    await drain(world);
    expect(world.scored).toHaveLength(1);
  });

  it('fails its job at once where the input was changed', async () => {
    const world = jobWorld();
    world.input('lake/in.csv', 3);
    await world.submit();
    world.input('lake/in.csv', 4);
    await world.step();
    expect((await world.job()).error?.message).toMatch(/^the input was changed or deleted while the job ran/);
  });
});

describe('who tends the jobs', () => {
  it('starts one whose submitter died, or had no queue', async () => {
    const world = jobWorld();
    world.input('lake/in.csv', 2);
    const { send } = world.room.queue;
    world.room.queue.send = () => Promise.reject(new Error('there is no queue'));
    expect((await world.submit()).state).toBe('queued');
    world.room.queue.send = send;
    await tend(world);
    expect(world.queue).toEqual([]); // the submitter may still be at it
    world.pass(30);
    await tend(world);
    await drain(world);
    expect((await world.job()).state).toBe('succeeded');
  });

  it('sends messages again that were lost, once nothing moves', async () => {
    const world = jobWorld({ inFlight: 2 });
    world.input('lake/in.csv', 5);
    await world.submit();
    await world.step();
    world.queue.length = 0;
    world.pass(60);
    await tend(world);
    expect(world.queue).toEqual([]);
    world.pass(61);
    await tend(world);
    expect(world.queue.map(({ message }) => message)).toEqual([
      { job: 'job', chunk: 1, generation: 0 },
      { job: 'job', chunk: 2, generation: 0 },
    ]);
    await drain(world);
    expect((await world.job()).state).toBe('succeeded');
  });

  it('goes on where a finisher died', async () => {
    const world = jobWorld();
    world.input('lake/in.csv', 2);
    await world.submit();
    world.memory.before = doing => {
      if (doing === 'write batch/jobs/job/report.json') throw new Killed();
    };
    await world.step();
    await expect(world.step()).rejects.toThrow(Killed);
    expect((await world.job()).state).toBe('reporting');
    world.memory.before = () => {};
    world.queue.length = 0;
    world.pass(61);
    await tend(world);
    expect((await world.job()).state).toBe('succeeded');
  });

  it('tells once that a job is at risk, and once that it missed its deadline', async () => {
    const world = jobWorld({ inFlight: 1 });
    world.input('lake/in.csv', 10);
    await world.submit({ sla_seconds: 100 });
    const sla = () => world.told.filter(what => /at_risk|missed|on_track/.test(what));
    world.pass(5);
    await world.step();
    await tend(world);
    expect(sla()).toEqual([]);
    world.pass(25);
    await tend(world); // 30 s for a tenth
    await tend(world);
    expect(sla()).toEqual(['job at_risk']);
    expect((await world.job()).progress).toMatchObject({ sla: 'at_risk', chunks: 1, eta: '2026-11-20T02:05:00.000Z' });
    world.pass(71);
    await tend(world);
    await tend(world);
    expect(sla()).toEqual(['job at_risk', 'job missed']);
    await drain(world);
    expect(await world.job()).toMatchObject({ state: 'succeeded', progress: { sla: 'missed' } });
    expect(sla()).toHaveLength(2);
  });

  it('forgets what may hold personal data in time, of ended jobs', async () => {
    const world = jobWorld();
    world.input('lake/in.csv', 2);
    await world.submit();
    await world.step();
    await failJob(world.room, 'job', { message: 'enough' }, never);
    world.pass(29 * 24 * 3600);
    await tend(world);
    expect(world.memory.paths()).toContain('batch/jobs/job/parts/000000.json');
    world.pass(24 * 3600 + 3600);
    await tend(world);
    expect(world.memory.paths().filter(path => path.startsWith('batch/jobs/job/'))).toEqual([
      'batch/jobs/job/job.json',
    ]);
  });
});

describe('a job that is cancelled', () => {
  it('does nothing more, can be retried, and cannot be cancelled once its output is about to stand', async () => {
    const world = jobWorld();
    world.input('lake/in.csv', 4);
    await world.submit();
    await world.step();
    expect((await cancelJob(world.room, 'job', never)).state).toBe('cancelled');
    await drain(world);
    expect(world.scored).toHaveLength(1);
    await retryJob(world.room, 'job', never);
    await drain(world);
    expect(world.scored.map(({ chunk }) => chunk)).toEqual([0, 1, 2, 3]);
    await expect(cancelJob(world.room, 'job', never)).rejects.toThrow('is succeeded: it cannot be cancelled');
    expect(await finishIfDone(world.room, 'job', never)).toBe(true);
    expect((await startJob(world.room, 'job', never)).state).toBe('succeeded');
  });
});
