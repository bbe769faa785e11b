/**
 * What the real Functions host did with the same work, seen in 2026-11: host 4.1037 built from its source (Release, .NET 10), the Event Hubs extension's
 * listener, Node worker 3.9.1, Node 24; this class of machine, endpoint, storage and sender on the same two cores, warm.
 * It cannot be run by `npm run bench`, so its figures stand here.
 */
export const REAL_HOST = {
  drainPerSecond: 29_400,
  /** Open loop, ms. */
  latency: {
    100: { p50: 24, p95: 28, p99: 31 },
    1000: { p50: 11, p95: 25, p99: 36 },
    5000: { p50: 11, p95: 26, p99: 35 },
  },
  startToFirstResultSeconds: 5.7,
} as const;

/** The local host on the day on which the real one was seen, beside it. */
export const BESIDE_IT: readonly (readonly [what: string, local: string, real: string])[] = [
  [
    'drained in batches of 1000, events/s',
    '75,400',
    '26,700–29,400, whatever `batchCheckpointFrequency` (1, 20) and `maxEventBatchSize` (1000, 4000)',
  ],
  ['a function that does nothing, drained, events/s', '', '52,000'],
  ['open loop, 100 a second: p50, p95, p99, ms', '1.3, 2.3, 3.3', '24, 28, 31'],
  ['open loop, 1,000 a second', '1.1, 2.1, 4.1', '11, 25, 36'],
  ['open loop, 5,000 a second', '1.2, 11, 25', '11, 26, 35'],
  ['packs of 10 rows, rows/s', 'within a third', '139,000'],
  ['packs of 100 rows, rows/s', 'within a third', '264,000'],
  ['HTTP, one instance, 16 connections, requests/s', '2,527', '1,424 (Debug build)'],
  ['start of everything to the first result, s', '0.95', '5.7 (built without ReadyToRun)'],
  ['processor an event, µs', '', '21 in the host, 10 in Node'],
  ['memory, small events, MB', '', '310–320 in the host, 360–390 in Node'],
];
