import type { ContainerClient } from '@azure/storage-blob';
import { expect, it } from 'vitest';
import { parseSchedule } from '../../../../src/local/functions-host/cron.ts';
import { runTimer } from '../../../../src/local/functions-host/timer-trigger.ts';

const MINUTE_MS = 60_000;

/** What a function is told that fires when its host starts, at three starts a minute apart. */
async function threeStarts(schedule: string): Promise<unknown[]> {
  const told: { ScheduleStatus: unknown }[] = [];
  let metadata: Record<string, string> | undefined;
  const container = {
    getBlobClient: () => ({
      getProperties: async () => {
        if (!metadata) throw Object.assign(new Error('not found'), { statusCode: 404 });
        return { metadata, etag: 'x' };
      },
    }),
    getBlockBlobClient: () => ({
      upload: async (_: string, __: number, options: { metadata: Record<string, string> }) => {
        metadata = options.metadata;
      },
    }),
  } as unknown as ContainerClient;
  for (let start = 0; start < 3; start++) {
    const nowMs = Date.UTC(2026, 10, 21, 9, 0, 30) + start * MINUTE_MS;
    const options = {
      functionName: 'f',
      schedule: parseSchedule(schedule),
      runOnStartup: true,
      container,
      blobName: 'status',
      invoke: async ({ input }: { input: { json?: string } }) => {
        told.push(JSON.parse(input.json ?? ''));
        return {};
      },
      log: () => {},
      clock: () => nowMs,
    };
    await runTimer(options, AbortSignal.abort());
  }
  return told.map(({ ScheduleStatus }) => ScheduleStatus);
}

it('tells the last firing and this one, with an offset; of the first one the year 1', async () => {
  expect(await threeStarts('0 */10 * * * *')).toMatchObject([
    { Last: '0001-01-01T00:00:00+00:00', Next: '2026-11-21T09:00:30+00:00' },
    { Last: '2026-11-21T09:00:30+00:00', Next: '2026-11-21T09:01:30+00:00' },
    { Last: '2026-11-21T09:01:30+00:00', Next: '2026-11-21T09:02:30+00:00' },
  ]);
});

it.each(['*/20 * * * * *', '0,30 * * * * *', '00:00:20'])(
  'tells no status where several come in a minute: %s',
  async schedule => {
    expect(await threeStarts(schedule)).toEqual([null, null, null]);
  },
);
