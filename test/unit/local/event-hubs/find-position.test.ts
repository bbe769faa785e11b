import fc from 'fast-check';
import { expect, it } from 'vitest';
import { startPosition } from '../../../../src/local/event-hubs/links/start-position.ts';
import { ServiceError } from '../../../../src/local/event-hubs/service-error.ts';
import { aFolder, append, openLog, readAll, type StoredEvent } from './a-log.ts';

const select = (field: string, operator: string, value: number | string) =>
  `amqp.annotation.x-opt-${field} ${operator} '${value}'`;

it('starts where the filter says, for any log and any value', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          batch: fc.array(fc.string({ maxLength: 30 }), { minLength: 1, maxLength: 5 }),
          pauseMs: fc.nat(3),
        }),
        {
          minLength: 1,
          maxLength: 25,
        },
      ),
      fc.integer({ min: 100, max: 800 }),
      (batches, segmentBytes) => {
        using folder = aFolder();
        let now = 100;
        const log = openLog(folder.path, { segmentBytes, clock: () => now });
        for (const { batch, pauseMs } of batches) {
          now += pauseMs;
          append(log, batch);
        }
        const events = readAll(log);
        const from = (selector: string) => readAll(log, startPosition(log, selector)).map(({ text }) => text);
        const where = (wanted: (event: StoredEvent) => boolean) => events.filter(wanted).map(({ text }) => text);
        for (const { sequence, position, timeMs } of events) {
          expect(from(select('sequence-number', '>', sequence))).toEqual(where(event => event.sequence > sequence));
          expect(from(select('sequence-number', '>=', sequence))).toEqual(where(event => event.sequence >= sequence));
          expect(from(select('offset', '>', position))).toEqual(where(event => event.position > position));
          expect(from(select('offset', '>=', position))).toEqual(where(event => event.position >= position));
          expect(from(select('enqueued-time', '>', timeMs))).toEqual(where(event => event.timeMs > timeMs));
          expect(from(select('enqueued-time', '>=', timeMs))).toEqual(where(event => event.timeMs >= timeMs));
        }
        expect(from(select('offset', '>', '-1'))).toEqual(events.map(({ text }) => text));
        expect(from(select('offset', '>', '@latest'))).toEqual([]);
        expect(from(select('enqueued-time', '>', 0)).length).toBe(events.length);
        log.close();
      },
    ),
    { numRuns: 40 },
  );
});

it('reads what .NET writes, without quotes, as what the others write', () => {
  using folder = aFolder();
  let now = 1_000;
  const log = openLog(folder.path, { clock: () => now });
  for (const text of ['a', 'b', 'c']) {
    append(log, [text]);
    now += 1_000;
  }
  const values = ['-1', '@latest', '0', '1', `${log.lastEventPosition}`, '2000'];
  for (const field of ['offset', 'sequence-number', 'enqueued-time'])
    for (const operator of ['>', '>='])
      for (const value of values.filter(value => field === 'enqueued-time' || value !== '2000')) {
        if (field === 'sequence-number' && Number(value) > 2) continue;
        const bare = `amqp.annotation.x-opt-${field} ${operator} ${value}`;
        expect(startPosition(log, bare), bare).toBe(startPosition(log, select(field, operator, value)));
      }
  expect(readAll(log, startPosition(log, 'amqp.annotation.x-opt-offset > -1')).map(({ text }) => text)).toEqual([
    'a',
    'b',
    'c',
  ]);
  expect(() => startPosition(log, "amqp.annotation.x-opt-offset > '1")).toThrow(ServiceError);
  expect(() => startPosition(log, 'amqp.annotation.x-opt-offset > 1 or 2')).toThrow(ServiceError);
  log.close();
});

it('refuses a place behind the end, and what is no filter of the service', () => {
  using folder = aFolder();
  const log = openLog(folder.path);
  append(log, ['a', 'b']);
  expect(() => startPosition(log, select('sequence-number', '>', 2))).toThrow(ServiceError);
  expect(() => startPosition(log, select('offset', '>', 5000))).toThrow("The supplied offset '5000' is invalid");
  expect(() => startPosition(log, select('offset', '>', 'x'))).toThrow(ServiceError);
  expect(() => startPosition(log, 'amqp.annotation.x-opt-colour > 1')).toThrow(ServiceError);
  expect(startPosition(log, undefined)).toBe(0);
  log.close();
});

it('starts an empty partition at its beginning, whatever the filter', () => {
  using folder = aFolder();
  const log = openLog(folder.path);
  for (const selector of [
    select('offset', '>', '-1'),
    select('offset', '>', '@latest'),
    select('enqueued-time', '>', 5),
  ])
    expect(startPosition(log, selector)).toBe(0);
  log.close();
});

it('starts a checkpoint from before retention at the oldest event left', () => {
  using folder = aFolder();
  let now = 1000;
  const log = openLog(folder.path, { segmentBytes: 100, clock: () => now });
  for (; now < 9000; now += 1000) append(log, [`at ${now}`]);
  log.retain(4500, Number.POSITIVE_INFINITY);
  expect(log.firstSequence).toBeGreaterThan(1);
  expect(startPosition(log, select('sequence-number', '>', 0))).toBe(log.firstPosition);
  expect(startPosition(log, select('offset', '>', 10))).toBe(log.firstPosition);
  log.close();
});
