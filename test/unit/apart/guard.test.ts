import { describe, expect, it } from 'vitest';
import { NoChild } from '../../../src/apart/children.ts';
import { createGuard } from '../../../src/apart/guard.ts';
import type { Mark } from '../../../src/apart/mark-record.ts';
import type { EventBatch } from '../../../src/core/event.ts';
import { ScoredBatch } from '../../../src/core/scored-batch.ts';
import { batchOf } from '../../support/events.ts';
import { notes } from '../../support/models.ts';

const { signal } = new AbortController();

function world(found: readonly Mark[]) {
  const done: string[] = [];
  const log = notes();
  let now = 1_000;
  let broken: Error | undefined;
  const score = (where: string) => async (batch: EventBatch) => {
    if (where === 'apart' && broken) throw broken;
    done.push(where);
    return ScoredBatch.of({ ...batch, events: [] }, []);
  };
  const predict = (where: string) => async () => {
    done.push(`predicted ${where}`);
    return [];
  };
  const guard = createGuard({
    marks: {
      found,
      slot: partition => ({
        enter: (first, last) => void done.push(`${partition}: ${first} to ${last}`),
        leave: () => void done.push('left'),
      }),
      forget: () => void done.push('forgotten'),
      close: () => {},
    },
    score: score('here'),
    scoreApart: score('apart'),
    predict: predict('here'),
    predictApart: predict('apart'),
    clock: () => now,
    log,
  });
  return {
    guard,
    log,
    done,
    pass: (ms: number) => {
      now += ms;
    },
    breakWith: (error: Error) => {
      broken = error;
    },
    /** Scores events from one number on; what happened. */
    async run(first: number, count: number, partition = '2', settled = true): Promise<string[]> {
      const { events, ...batch } = batchOf(Array.from({ length: count }, () => '{}'));
      const moved = events.map((event, i) => ({ ...event, sequenceNumber: first + i }));
      const whole = { ...batch, partition, events: moved };
      done.length = 0;
      const end = guard.begin(whole);
      await guard.score(whole, signal);
      end(settled);
      return [...done];
    },
  };
}

describe('the guard before what may kill', () => {
  it('marks what is scored in this process', async () => {
    const { run, log, guard, done } = world([]);
    expect(await run(10, 3)).toEqual(['2: 10 to 12', 'here', 'left']);
    done.length = 0;
    await guard.predict([], signal);
    expect(done).toEqual(['undefined: 0 to 0', 'predicted here', 'left']);
    expect(log.lines).toEqual([]);
  });

  it('has everything scored apart for a minute after a death, and says so', async () => {
    const { run, log, pass, guard, done } = world([{ partition: undefined, first: 0, last: -1, size: 0 }]);
    expect(log.lines).toEqual([
      'a process died with requests by HTTP in flight: that is scored apart, and so is everything else for 60 s',
    ]);
    expect(await run(10, 3)).toEqual(['2: 10 to 12', 'apart', 'left']);
    pass(59_999);
    expect(await run(10, 3, '0')).toContain('apart');
    await guard.predict([], signal);
    expect(done).toContain('predicted apart');
    pass(1);
    expect(await run(13, 3)).toEqual(['2: 13 to 15', 'forgotten', 'here', 'left']);
    expect(log.lines.slice(1)).toEqual(['no process died of late: what comes is scored in this one again']);
  });

  it('goes on with that while processes apart die, but begins nothing by that alone', async () => {
    const cautious = world([{ partition: undefined, first: 0, last: -1, size: 0 }]);
    cautious.pass(50_000);
    cautious.guard.warn();
    cautious.pass(50_000);
    expect(await cautious.run(1, 1)).toContain('apart');
    const calm = world([]);
    calm.guard.warn();
    expect(await calm.run(1, 1)).toContain('here');
  });

  it('has what was in flight scored apart however much later it comes, and no more than that', async () => {
    const { run, log, pass } = world([{ partition: '2', first: 100, last: 259, size: 10 }]);
    expect(log.lines[0]).toMatch(/died with up to 10 events of partition 2 between 100 and 259 in flight/);
    pass(100_000);
    expect(await run(100, 50, '1')).toContain('here');
    expect(await run(90, 5)).toContain('here');
    expect(await run(120, 5, '2', false), 'fails').toContain('apart');
    expect(await run(120, 5)).toEqual(['2: 120 to 124', 'apart', 'left']);
    expect(await run(125, 10)).toEqual(['2: 125 to 134', 'apart', 'left', 'forgotten']);
    expect(await run(135, 10)).toContain('here');
  });

  it('knows of what was in flight that it is settled by where the partition goes on', async () => {
    const { run, pass, done } = world([{ partition: '2', first: 100, last: 259, size: 10 }]);
    pass(100_000);
    expect(await run(260, 5)).toEqual(['2: 260 to 264', 'forgotten', 'here', 'left']);
    expect(done).not.toContain('apart');
  });

  it('scores here where no process apart can be had, rather than not at all, and says so', async () => {
    const { run, log, breakWith, pass } = world([{ partition: undefined, first: 0, last: -1, size: 0 }]);
    breakWith(new NoChild('the scoring process did not start: EAGAIN'));
    expect(await run(1, 1)).toContain('here');
    breakWith(new Error('is not asked'));
    pass(9_999);
    expect(await run(2, 1)).toContain('here');
    expect(log.lines.slice(1)).toEqual([
      'nothing can be scored apart: the scoring process did not start: EAGAIN; for 10 s all is scored in this process',
    ]);
    pass(1);
    breakWith(new Error('other'));
    await expect(run(3, 1)).rejects.toThrow('other');
  });
});
