import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { readSettings } from '../../src/config/config.ts';

const hostJson = JSON.parse(readFileSync(new URL('../../host.json', import.meta.url), 'utf8'));

it('batches end before the host’s time-out, and silence is longer than it', () => {
  const [hours, minutes, seconds] = hostJson.functionTimeout.split(':').map(Number);
  const timeoutSeconds = hours * 3600 + minutes * 60 + seconds;
  const { BATCH_DEADLINE_SECONDS, FILL_HOLES_AFTER_SECONDS } = readSettings({});
  expect(BATCH_DEADLINE_SECONDS).toBeLessThanOrEqual(timeoutSeconds - 30);
  expect(FILL_HOLES_AFTER_SECONDS).toBeGreaterThan(timeoutSeconds);
});

it('a new consumer group begins at the start, as INITIAL_POSITION does', () => {
  expect(hostJson.extensions.eventHubs.initialOffsetOptions.type).toBe('fromStart');
  expect(readSettings({}).INITIAL_POSITION).toBe('start');
});
