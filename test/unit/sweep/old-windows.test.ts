import { expect, it } from 'vitest';
import { createOldWindows } from '../../../src/sweep/old-windows.ts';
import { memoryBlobs } from '../../support/memory-blobs.ts';

const never = new AbortController().signal;
const DAY = 24 * 3_600_000;

it('windows, and the pairs of shadows, go once they are older than they are kept; counters stay', async () => {
  const blobs = memoryBlobs();
  const hour = (days: number) => new Date(Date.UTC(2026, 10, 21) - days * DAY).toISOString().slice(0, 13);
  for (const days of [91, 89]) {
    blobs.put(`windows/results/0/1h/${hour(days)}:00:00.000Z.json`, {});
    for (const kind of ['pairs', 'flips']) blobs.put(`shadow/churn/1.2.0/${kind}/${hour(days)}/0-0-9.ndjson`, '');
  }
  blobs.put('shadow/churn/1.2.0/state/sh_1/0.json', {});
  const log = { info() {}, warn: (line: string) => expect.fail(line), error() {} };
  await createOldWindows({ blobs, keptMs: 90 * DAY, clock: () => Date.UTC(2026, 10, 21), log })(never);
  expect((await blobs.list('', never)).map(({ path }) => path)).toEqual([
    `shadow/churn/1.2.0/flips/${hour(89)}/0-0-9.ndjson`,
    `shadow/churn/1.2.0/pairs/${hour(89)}/0-0-9.ndjson`,
    'shadow/churn/1.2.0/state/sh_1/0.json',
    `windows/results/0/1h/${hour(89)}:00:00.000Z.json`,
  ]);
});
