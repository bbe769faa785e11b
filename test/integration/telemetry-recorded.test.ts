import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { settingsSchema } from '../../src/config/settings.ts';
import { METRICS, type MetricDefinition, type MetricName } from '../../src/telemetry/metrics.ts';
import { startAppStack } from '../support/app-stack.ts';
import { bytesOf, type Ingestion, type Item, startIngestion } from '../support/ingestion.ts';
import type { Traffic } from '../support/telemetry-traffic.ts';

const TRAFFIC = resolve(import.meta.dirname, '../support/telemetry-traffic.ts');
const MINUTES_A_MONTH = 43_800;
const GB = 1e9;
/** Exports between two that are whole. */
const WHOLE_EVERY = 5;
const { TRACES_PER_SECOND } = settingsSchema.parse({});

let ingestion: Ingestion;
beforeEach(async () => {
  ingestion = await startIngestion();
});
afterEach(() => ingestion.stop());

/** What is sent of such traffic; the lines of the log beside it. */
async function record(traffic: Partial<Traffic>): Promise<{ items: readonly Item[]; log: string }> {
  ingestion.clear();
  const child = spawn(process.execPath, [TRAFFIC], {
    env: { ...process.env, ...ingestion.environment },
    stdio: ['pipe', 'inherit', 'pipe'],
  });
  child.stdin.end(JSON.stringify({ minutes: 1, requestsPerSecond: 0, tracesPerSecond: TRACES_PER_SECOND, ...traffic }));
  const log = await text(child.stderr);
  return { items: ingestion.items, log };
}

const isResource = (item: Item) => metricOf(item) === '_OTELRESOURCE_';
const metricOf = ({ data }: Item) => data.baseData.metrics?.[0]?.name;
const isRequest = ({ data }: Item) => data.baseType === 'RequestData';
const sum = (items: readonly Item[], weigh: (item: Item) => number = () => 1) =>
  items.reduce((total, item) => total + weigh(item) * bytesOf(item), 0);

/** How many of five exports bring such a row. */
function shareOfExports(item: Item): number {
  const name = metricOf(item) ?? '';
  if (name.startsWith('hubscore_model_load_') || name.startsWith('hubscore_model_loads_')) return 0; // once
  const definition: MetricDefinition | undefined = METRICS[name as MetricName];
  return name.endsWith('_bucket') || definition?.steady ? 1 / WHOLE_EVERY : 1;
}

/** Gigabytes a month that an instance with such traffic sends: each metric as often as it comes, traces as they go on after the first ones. */
async function monthOf(traffic: Partial<Traffic>) {
  const first = (await record({ ...traffic, minutes: 1 })).items;
  const whole = (await record({ ...traffic, minutes: 6 })).items;
  const metrics = whole.filter(item => metricOf(item) !== undefined && !isResource(item));
  const perMinute = {
    metrics: sum(metrics, shareOfExports),
    traces: (sum(whole.filter(isRequest)) - sum(first.filter(isRequest))) / 5,
  };
  const gb = (bytes: number) => (bytes * MINUTES_A_MONTH) / GB;
  return { items: whole, metrics: gb(perMinute.metrics), traces: gb(perMinute.traces) };
}

describe('what an instance sends to Application Insights, with four partitions', { timeout: 120_000 }, () => {
  it.each([
    ['idle', { requestsPerSecond: 0 }, 0.3],
    ['100 requests a second', { requestsPerSecond: 100 }, 0.85],
    ['1,000 requests a second', { requestsPerSecond: 1000 }, 0.85],
    ['1,000 of producers that trace all', { requestsPerSecond: 1000, tracedOneOf: 1 }, 0.9],
    ['1,000, a hundredth of them dead letters', { requestsPerSecond: 1000, deadLettersPerMille: 10 }, 1],
  ])('costs little: %s', async (name, traffic, most) => {
    const { metrics, traces, items } = await monthOf(traffic);
    process.stdout.write(`${name}: metrics ${metrics.toFixed(2)}, traces ${traces.toFixed(2)} GB a month\n`);
    expect(metrics + traces).toBeLessThan(most);
    const unnamed = items.filter(item => isRequest(item) && !item.data.baseData.name);
    expect(unnamed).toEqual([]);
  });

  it('counts every dead letter by its code, and tells of some', async () => {
    const { items, log } = await record({ requestsPerSecond: 1000, deadLettersPerMille: 10 });
    const counted = items.filter(item => metricOf(item) === 'inference_errors_total');
    expect(counted.map(({ data }) => [data.baseData.properties.code, data.baseData.metrics?.[0]?.value])).toEqual([
      ['schema_mismatch', 576],
    ]);
    const told = items.filter(
      item => isRequest(item) && item.data.baseData.properties['hubscore.code'] === 'schema_mismatch',
    );
    expect(told.length).toBeGreaterThan(20);
    expect(told[0]?.data.baseData).toMatchObject({ name: 'score diabetes', success: false });
    const batches = items.filter(item => item.data.baseData.properties?.['hubscore.dead_letter_codes'] !== undefined);
    expect(batches[0]?.data.baseData.properties['hubscore.dead_letter_codes']).toBe('{"schema_mismatch":1}');
    const lines = log.split('\n').filter(line => line.includes('dead letters'));
    expect(lines).toHaveLength(6);
    expect(lines[0]).toMatch(/\/\d+ schema_mismatch/);
  });

  it('counts batches that threw and sends no row of them: the host has one', async () => {
    const { items } = await record({ requestsPerSecond: 10, failingBatchesPerSecond: 10 });
    const failed = items.filter(item => metricOf(item) === 'hubscore_batch_failures_total');
    expect(failed.map(({ data }) => [data.baseData.properties.reason, data.baseData.metrics?.[0]?.value])).toEqual([
      ['infrastructure', 600],
    ]);
    expect(items.filter(isRequest)).toEqual([]);
  });

  it('sends faults of ours as exceptions with their stacks where the package is loaded, so the log has none', async () => {
    const { items, log } = await record({ requestsPerSecond: 10, liveMetrics: true, faults: 12 });
    const exceptions = items.filter(({ data }) => data.baseType === 'ExceptionData');
    expect(exceptions).toHaveLength(10); // a minute
    expect(exceptions[0]?.data.baseData.exceptions?.[0]).toMatchObject({
      typeName: 'TypeError',
      message: 'inference-requests/0/0: of ours',
      stack: expect.stringContaining('telemetry-traffic.ts'),
    });
    expect(log).toContain('inference-requests/0/0 failed unexpectedly: of ours\n');
    const ours = /^(inference|hubscore|process)_/;
    const others = items.filter(item => metricOf(item) && !ours.test(metricOf(item) ?? '') && !isResource(item));
    expect(others).toEqual([]);
  });

  it('says in the log when nothing of it is taken', async () => {
    ingestion.refuse(403);
    const { log } = await record({ requestsPerSecond: 10 });
    expect(log).toMatch(/telemetry to Application Insights: localhost answers 403: nothing is taken in/);
  });
});

describe('the app in its host', { timeout: 120_000 }, () => {
  it('sends rows with names, one a batch, and dead letters with their codes; the host has its warnings', async () => {
    const stack = await startAppStack();
    try {
      const host = await stack.startHost(ingestion.environment);
      await stack.send(20, '0');
      await stack.send(3, '1', 'nowhere');
      await expect
        .poll(async () => (await (await fetch(`${host.url}/metrics`)).text()).match(/unknown_model"\} 3/), {
          timeout: 60_000,
        })
        .toBeTruthy();
      await host.stop();
      const { items } = ingestion;
      expect(items.filter(isResource)).toEqual([]);
      const rows = items.filter(isRequest).map(({ data }) => data.baseData);
      const batches = rows.filter(({ name }) => name === 'process inference-requests');
      const events = batches.map(({ properties }) => Number(properties['messaging.batch.message_count']));
      expect(events.reduce((all, one) => all + one, 0)).toBe(23); // each event in one row
      const dead = rows.filter(({ name }) => name?.startsWith('score'));
      expect(dead.map(({ properties }) => [properties['messaging.message.id'], properties['hubscore.code']])).toEqual(
        [0, 1, 2].map(i => [`inference-requests/1/${i}`, 'unknown_model']),
      );
      expect(host.log()).toMatch(
        /warning Function\.score-requests\.User: inference-requests\/1: \d of \d requests are dead letters \(\d unknown_model\): inference-requests\/1\/0 unknown_model/,
      );
    } finally {
      await stack.stop();
    }
  });
});
