import { afterEach, describe, expect, it } from 'vitest';
import { ERROR_CODES, RequestError } from '../../../src/core/errors.ts';
import type { ModelVersion } from '../../../src/core/model.ts';
import { ScoredBatch } from '../../../src/core/scored-batch.ts';
import { createTelemetry, type Telemetry } from '../../../src/telemetry/telemetry.ts';
import { answered, batch, deadLetter, event, result, scored, slice } from './scored.ts';

const NOW_MS = 1_800_000_000_000;
const LABELS = 'model="diabetes",version="1.1.0+a1b2c3d4"';

let nowMs = NOW_MS;
const warnings: string[] = [];
const open: Telemetry[] = [];

function create(): Telemetry {
  nowMs = NOW_MS;
  warnings.length = 0;
  const telemetry = createTelemetry({
    connectionString: undefined,
    authentication: undefined,
    tracesPerSecond: 5,
    clock: () => nowMs,
    log: { info() {}, warn: message => warnings.push(message), error() {} },
  });
  open.push(telemetry);
  return telemetry;
}

/** Samples of the text format by name and labels. */
async function look(telemetry: Telemetry): Promise<Map<string, number>> {
  const lines = (await telemetry.prometheus()).split('\n').filter(line => line && !line.startsWith('#'));
  return new Map(
    lines.map(line => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

afterEach(async () => {
  for (const telemetry of open.splice(0)) await telemetry.close();
});

describe('telemetry', () => {
  it('counts endings by model and version and times them apart', async () => {
    const telemetry = create();
    const events = [event(7, NOW_MS - 100), event(8, NOW_MS - 40), event(9, NOW_MS - 3)];
    const outcomes = [
      result(events[0]!, 110),
      deadLetter(events[1]!, 'schema_mismatch', 'diabetes', '1.1.0+a1b2c3d4'),
      result(events[2]!, 13),
    ];
    const timing = { receivedAtMs: NOW_MS, sentAtMs: NOW_MS + 20 };
    telemetry.recordBatch(...scored(batch(events), outcomes, [slice(2, 0.4)]), timing);
    const samples = await look(telemetry);

    expect(samples.get(`inference_requests_total{${LABELS},outcome="result"}`)).toBe(2);
    expect(samples.get(`inference_requests_total{${LABELS},outcome="dead_letter"}`)).toBe(1);
    expect(samples.get(`inference_errors_total{${LABELS},code="schema_mismatch"}`)).toBe(1);

    expect(samples.get(`inference_latency_seconds_count{${LABELS}}`)).toBe(2);
    expect(samples.get(`inference_latency_seconds_sum{${LABELS}}`)).toBeCloseTo(0.123, 9);
    expect(samples.get(`inference_latency_seconds_bucket{${LABELS},le="0.01"}`)).toBe(0);
    expect(samples.get(`inference_latency_seconds_bucket{${LABELS},le="0.015"}`)).toBe(1);
    expect(samples.get(`inference_latency_seconds_bucket{${LABELS},le="0.1"}`)).toBe(1);
    expect(samples.get(`inference_latency_seconds_bucket{${LABELS},le="0.15"}`)).toBe(2);
    expect(samples.get(`inference_latency_seconds_bucket{${LABELS},le="+Inf"}`)).toBe(2);

    expect(samples.get(`inference_queue_seconds_sum{${LABELS}}`)).toBeCloseTo(0.103, 9);
    expect(samples.get(`inference_end_to_end_seconds_sum{${LABELS}}`)).toBeCloseTo(0.143, 9);
    expect(samples.get(`inference_compute_seconds_sum{${LABELS}}`)).toBeCloseTo(0.0004, 9);
    expect(samples.get(`inference_batch_size_bucket{${LABELS},le="1"}`)).toBe(0);
    expect(samples.get(`inference_batch_size_bucket{${LABELS},le="2"}`)).toBe(1);
    expect(samples.get('hubscore_event_batch_size_sum')).toBe(3);
    expect(samples.get('hubscore_partition_lag_seconds{partition="2"}')).toBeCloseTo(0.003, 9);
  });

  it('counts requests and their rows apart', async () => {
    const telemetry = create();
    const events = [event(7, NOW_MS), event(8, NOW_MS), event(9, NOW_MS)];
    const outcomes = [
      { ...result(events[0]!, 1), rows: { answered: 90, skipped: 10 } },
      { ...result(events[1]!, 1), rows: { answered: 1, skipped: 0 } },
      deadLetter(events[2]!, 'schema_mismatch', 'diabetes', '1.1.0+a1b2c3d4'),
    ];
    telemetry.recordBatch(...scored(batch(events), outcomes, []), { receivedAtMs: NOW_MS, sentAtMs: NOW_MS });
    const samples = await look(telemetry);
    expect(samples.get(`inference_requests_total{${LABELS},outcome="result"}`)).toBe(2);
    expect(samples.get(`inference_rows_total{${LABELS},outcome="answered"}`)).toBe(91);
    expect(samples.get(`inference_rows_total{${LABELS},outcome="skipped"}`)).toBe(10);
  });

  it('keeps models apart that share a batch', async () => {
    const telemetry = create();
    const events = [1, 2, 3, 4].map(sequence => event(sequence, NOW_MS));
    const outcomes = events.map((one, i) => result(one, 1 + i, i % 2 ? 'churn' : 'diabetes', '1.0.0'));
    telemetry.recordBatch(...scored(batch(events), outcomes, []), { receivedAtMs: NOW_MS, sentAtMs: NOW_MS });
    const samples = await look(telemetry);
    expect(samples.get('inference_latency_seconds_sum{model="diabetes",version="1.0.0"}')).toBeCloseTo(0.004, 9);
    expect(samples.get('inference_latency_seconds_sum{model="churn",version="1.0.0"}')).toBeCloseTo(0.006, 9);
  });

  it('takes no names of models from requests that no model answered', async () => {
    const telemetry = create();
    const events = Array.from({ length: 500 }, (_, i) => event(i, NOW_MS));
    const outcomes = events.map((one, i) => deadLetter(one, 'unknown_model', `made-up-${i}`, `${i}.0.0`));
    telemetry.recordBatch(...scored(batch(events), outcomes, []), { receivedAtMs: NOW_MS, sentAtMs: NOW_MS });
    const samples = await look(telemetry);
    expect(samples.get('inference_errors_total{model="unknown",version="unknown",code="unknown_model"}')).toBe(500);
    expect([...samples.keys()].some(name => name.includes('made-up'))).toBe(false);
  });

  it('names a model that loaded or failed to, though it never answered', async () => {
    const telemetry = create();
    telemetry.recordModelLoad({ model: 'diabetes', version: '1.1.0+a1b2c3d4', durationMs: 900, failed: false });
    telemetry.recordModelLoad({ model: 'churn', version: '1.0.0', durationMs: 900, failed: true });
    const one = event(1, NOW_MS);
    const outcomes = [
      deadLetter(one, 'model_unavailable', 'diabetes', '1.1.0+a1b2c3d4'),
      deadLetter(one, 'deadline_exceeded', 'diabetes', 'production'),
      deadLetter(one, 'model_unavailable', 'churn', undefined),
    ];
    telemetry.recordBatch(...scored(batch([one]), outcomes, []), { receivedAtMs: NOW_MS, sentAtMs: NOW_MS });
    const samples = await look(telemetry);
    expect(samples.get(`inference_errors_total{${LABELS},code="model_unavailable"}`)).toBe(1);
    expect(samples.get('inference_errors_total{model="diabetes",version="unknown",code="deadline_exceeded"}')).toBe(1);
    expect(samples.get('inference_errors_total{model="churn",version="unknown",code="model_unavailable"}')).toBe(1);
    expect(samples.get(`hubscore_model_loads_total{${LABELS},outcome="loaded"}`)).toBe(1);
  });

  it('shows nothing by the name of a version that failed to load but that it did', async () => {
    const telemetry = create();
    telemetry.recordModelLoad({ model: 'churn', version: '1.0.0', durationMs: 900, failed: true });
    const names = [...(await look(telemetry)).keys()].filter(name => name.includes('churn'));
    expect(names).toEqual(['hubscore_model_loads_total{model="churn",version="1.0.0",outcome="failed"}']);
  });

  it('shows little of fifty versions that are loaded and idle', async () => {
    const telemetry = create();
    const loaded = Array.from({ length: 50 }, (_, i) => `1.${i}.0+a1b2c3d4`);
    for (const version of loaded)
      telemetry.recordModelLoad({ model: 'diabetes', version, durationMs: 900, failed: false });
    telemetry.observe({
      models: async () => [{ name: 'diabetes', versions: [], aliases: {}, production: undefined, loaded }],
    });
    const text = await telemetry.prometheus();
    expect(Buffer.byteLength(text)).toBeLessThan(100_000);
    expect(text).not.toContain('inference_latency_seconds');
    expect(text.match(/^hubscore_model_loaded\{/gm)).toHaveLength(50);
  });

  it('does not grow without end', async () => {
    const telemetry = create();
    const events = Array.from({ length: 1000 }, (_, i) => event(i, NOW_MS));
    const outcomes = events.map((one, i) => result(one, 1, `model-${i}`, '1.0.0'));
    telemetry.recordBatch(...scored(batch(events), outcomes, []), { receivedAtMs: NOW_MS, sentAtMs: NOW_MS });
    const samples = await look(telemetry);
    const counted = [...samples].filter(([name]) => name.startsWith('inference_requests_total'));
    expect(counted.length).toBeLessThanOrEqual(201);
    expect(counted.reduce((sum, [, value]) => sum + value, 0)).toBe(1000);
    // Of 200 label sets, half are shared with dead letters that may come.
    expect(samples.get('inference_requests_total{model="other",version="other",outcome="other"}')).toBe(851);
  });

  it('counts a broker clock ahead of ours as no wait, and survives a time that is none', async () => {
    const telemetry = create();
    const events = [event(1, NOW_MS + 50), event(2, Number.NaN)];
    const outcomes = [result(events[0]!, -50), result(events[1]!, Number.NaN)];
    telemetry.recordBatch(...scored(batch(events), outcomes, []), { receivedAtMs: NOW_MS, sentAtMs: NOW_MS });
    const samples = await look(telemetry);
    expect(samples.get(`inference_latency_seconds_sum{${LABELS}}`)).toBe(0);
    expect(samples.get(`inference_latency_seconds_bucket{${LABELS},le="0.001"}`)).toBe(2);
  });

  it('counts requests by HTTP without a queue', async () => {
    const telemetry = create();
    const version = { name: 'diabetes', label: '1.1.0+a1b2c3d4' } as ModelVersion;
    telemetry.recordEnding(answered(version, NOW_MS + 5000), NOW_MS);
    const error = new RequestError('schema_mismatch', 'validate', 'features has 9 values; diabetes 1.1.0 takes 10');
    telemetry.recordEnding({ kind: 'refused', error, version, variant: undefined, failedAtMs: NOW_MS }, NOW_MS);
    telemetry.recordSlices([slice(2, 0.4)]);
    telemetry.recordHttp('infer', 200, 12);
    const samples = await look(telemetry);
    expect(samples.get(`inference_requests_total{${LABELS},outcome="result"}`)).toBe(1);
    expect(samples.get(`inference_errors_total{${LABELS},code="schema_mismatch"}`)).toBe(1);
    expect(samples.get(`inference_latency_seconds_bucket{${LABELS},le="2.5"}`)).toBe(0);
    expect(samples.get(`inference_latency_seconds_bucket{${LABELS},le="5"}`)).toBe(1);
    expect(samples.has(`inference_queue_seconds_count{${LABELS}}`)).toBe(false);
    expect(samples.get(`inference_batch_size_sum{${LABELS}}`)).toBe(2);
    expect(samples.get('hubscore_http_requests_total{route="infer",status="200"}')).toBe(1);
    expect(samples.get('hubscore_http_request_seconds_bucket{route="infer",le="0.025"}')).toBe(1);
  });

  it('counts requests in the form of events that came by HTTP without a queue, too', async () => {
    const telemetry = create();
    const events = [event(1, NOW_MS), event(2, NOW_MS)];
    telemetry.recordAsked(scored(batch(events), [result(events[0]!, 3), result(events[1]!, 3)], [slice(2, 0.4)])[1]);
    const samples = await look(telemetry);
    expect(samples.get(`inference_requests_total{${LABELS},outcome="result"}`)).toBe(2);
    expect(samples.get(`inference_batch_size_sum{${LABELS}}`)).toBe(2);
    expect(samples.has(`inference_queue_seconds_count{${LABELS}}`)).toBe(false);
    expect(samples.get('hubscore_event_batch_size_count')).toBeUndefined();
  });

  it('asks its sources at every look, and one that fails does not hide the others', async () => {
    const telemetry = create();
    let hits = 3;
    telemetry.observe({ models: () => Promise.reject(new Error('storage is away')) });
    telemetry.observe({
      cache: () => ({ hits, misses: 4, evictions: 5, bypassed: 6 }),
      breakers: () => ({ redis: 'open', 'remote:churn': 'half-open' }),
      ignoredSettings: ['REDIS_URL'],
    });
    await look(telemetry);
    hits = 9;
    const samples = await look(telemetry);
    expect(samples.get('hubscore_cache_hits_total')).toBe(9);
    expect(samples.get('hubscore_cache_evictions_total')).toBe(5);
    expect(samples.get('hubscore_cache_bypassed_total')).toBe(6);
    expect(samples.get('hubscore_breaker_state{target="redis"}')).toBe(2);
    expect(samples.get('hubscore_breaker_state{target="remote:churn"}')).toBe(1);
    expect(samples.get('hubscore_setting_ignored{setting="REDIS_URL"}')).toBe(1);
    expect(warnings.join()).toContain('storage is away');
  });

  it('shows which versions are loaded now, not which were', async () => {
    const telemetry = create();
    let loaded = ['1.0.0'];
    const models = async () => [{ name: 'churn', versions: [], aliases: {}, production: undefined, loaded }];
    telemetry.observe({ models });
    await look(telemetry);
    loaded = ['1.1.0'];
    const names = [...(await look(telemetry)).keys()].filter(name => name.startsWith('hubscore_model_loaded'));
    expect(names).toEqual(['hubscore_model_loaded{model="churn",version="1.1.0"}']);
  });

  it('forgets the lag of a partition that others read now', async () => {
    const telemetry = create();
    const one = batch([event(1, NOW_MS - 9000)]);
    telemetry.recordBatch(
      ...scored(
        one,
        one.events.map(of => result(of, 1)),
        [],
      ),
      { receivedAtMs: NOW_MS, sentAtMs: NOW_MS },
    );
    nowMs += 4 * 60_000;
    expect((await look(telemetry)).get('hubscore_partition_lag_seconds{partition="2"}')).toBe(9);
    nowMs += 2 * 60_000;
    expect((await look(telemetry)).has('hubscore_partition_lag_seconds{partition="2"}')).toBe(false);
  });

  it('asks the broker how many events have no ending yet, at every look', async () => {
    const telemetry = create();
    let newest = 12;
    telemetry.observe({ newest: async partition => (partition === '2' ? newest : Promise.reject(new Error('away'))) });
    const timing = { receivedAtMs: NOW_MS, sentAtMs: NOW_MS };
    telemetry.recordBatch(...scored(batch([event(10, NOW_MS)]), [result(event(10, NOW_MS), 1)], []), timing);
    telemetry.recordBatch(...scored(batch([event(99, NOW_MS)], '3'), [result(event(99, NOW_MS), 1)], []), timing);
    expect((await look(telemetry)).get('hubscore_partition_lag_events{partition="2"}')).toBe(2);
    newest = 50;
    const samples = await look(telemetry);
    expect(samples.get('hubscore_partition_lag_events{partition="2"}')).toBe(40);
    expect(samples.get('hubscore_partition_lag_seconds{partition="3"}')).toBe(0);
    expect(samples.has('hubscore_partition_lag_events{partition="3"}')).toBe(false);
  });

  it('does not forget a partition whose batch fails again and again', async () => {
    const telemetry = create();
    telemetry.observe({ newest: async () => 30 });
    for (let minute = 0; minute < 20; minute++) {
      nowMs += 60_000;
      telemetry.recordFailedBatch(batch([event(11, NOW_MS), event(12, NOW_MS)]), 'infrastructure');
    }
    const samples = await look(telemetry);
    expect(samples.get('hubscore_partition_lag_events{partition="2"}')).toBe(20);
    expect(samples.get('hubscore_partition_lag_seconds{partition="2"}')).toBe(1200);
    expect(samples.get('hubscore_batch_failures_total{reason="infrastructure"}')).toBe(20);
  });

  it('shows failures as 0 before there is one, so that the first has a rate', async () => {
    const telemetry = create();
    let away = true;
    telemetry.observe({
      partitions: async () => (away ? Promise.reject(new Error('away')) : ['0', '1', '2']),
    });
    telemetry.recordModelLoad({ model: 'churn', version: '1.1.0', durationMs: 10, failed: false });
    const first = await look(telemetry);
    for (const reason of ['infrastructure', 'unexpected'])
      expect(first.get(`hubscore_batch_failures_total{reason="${reason}"}`)).toBe(0);
    for (const labels of ['model="unknown",version="unknown"', 'model="churn",version="1.1.0"']) {
      expect(first.get(`inference_requests_total{${labels},outcome="dead_letter"}`)).toBe(0);
      for (const code of ERROR_CODES)
        expect(first.get(`inference_errors_total{${labels},code="${code}"}`), code).toBe(0);
    }
    const ledger = (samples: Map<string, number>) =>
      [...samples].filter(([name]) => name.startsWith('hubscore_ledger_')).map(([name, value]) => `${name} ${value}`);
    expect(ledger(first)).toEqual([]);
    away = false;
    expect(ledger(await look(telemetry))).toEqual(
      ['skipped', 'recovered'].flatMap(what => [0, 1, 2].map(p => `hubscore_ledger_${what}_total{partition="${p}"} 0`)),
    );
  });

  it('leaves half of the label sets to failures that there are', async () => {
    const telemetry = create();
    for (let n = 0; n < 60; n++)
      telemetry.recordModelLoad({ model: `model-${n}`, version: '1', durationMs: 1, failed: false });
    const of = event(1, NOW_MS);
    telemetry.recordBatch(...scored(batch([of]), [deadLetter(of, 'unexpected', 'model-59', '1')], []), {
      receivedAtMs: NOW_MS,
      sentAtMs: NOW_MS,
    });
    const samples = await look(telemetry);
    expect(samples.get('inference_errors_total{model="model-59",version="1",code="unexpected"}')).toBe(1);
    expect([...samples.keys()].filter(name => name.startsWith('inference_errors_total')).length).toBeLessThan(120);
  });

  it('counts what the ledger knew', async () => {
    const telemetry = create();
    telemetry.recordLedger('1', { skipped: 5, recovered: 0 });
    telemetry.recordLedger('1', { skipped: 2, recovered: 1 });
    const samples = await look(telemetry);
    expect(samples.get('hubscore_ledger_skipped_total{partition="1"}')).toBe(7);
    expect(samples.get('hubscore_ledger_recovered_total{partition="1"}')).toBe(1);
  });

  it('counts what a card passes over', async () => {
    const telemetry = create();
    const events = [event(11, NOW_MS), event(12, NOW_MS)];
    const passedOver = new Map([
      [0, 1],
      [1, 4],
    ]);
    const scored = ScoredBatch.of(batch(events), [], [], passedOver);
    telemetry.recordBatch(batch(events), scored, { receivedAtMs: NOW_MS, sentAtMs: NOW_MS });
    expect((await look(telemetry)).get('hubscore_passed_over_total{partition="2"}')).toBe(5);
  });

  it('says how late the event loop runs, without the interval of its own timer', async () => {
    const telemetry = create();
    await new Promise(resolve => setTimeout(resolve, 60));
    const until = performance.now() + 120;
    while (performance.now() < until);
    await new Promise(resolve => setTimeout(resolve, 30));
    const samples = await look(telemetry);
    expect(samples.get('hubscore_event_loop_delay_seconds{statistic="max"}')).toBeGreaterThan(0.08);
    expect(samples.get('hubscore_event_loop_delay_seconds{statistic="p50"}')).toBeLessThan(0.05);
    expect(samples.get('process_resident_memory_bytes')).toBeGreaterThan(10e6);
    expect(samples.get('process_start_time_seconds')).toBeGreaterThan(1.7e9);
  });
});

describe('Prometheus text', () => {
  it('is well formed: help and type before the samples of each metric, labels escaped', async () => {
    const telemetry = create();
    telemetry.recordModelLoad({ model: 'a "b" \\ c\nd', version: '1', durationMs: 1, failed: false });
    const text = await telemetry.prometheus();
    expect(text).toContain('{model="a \\"b\\" \\\\ c\\nd",version="1",outcome="loaded"} 1\n');
    expect(text.endsWith('\n')).toBe(true);
    let current = '';
    for (const line of text.trimEnd().split('\n')) {
      const help = /^# HELP (\S+) \S/.exec(line);
      const type = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(line);
      if (help) current = help[1] as string;
      else if (type) expect(type[1]).toBe(current);
      else expect(line).toMatch(new RegExp(`^${current}(_bucket|_sum|_count)?(\\{.*\\})? [-+0-9.eInf]+$`));
    }
  });

  it('shows what drifted, the farthest features of it, and leaves the gauges to whose turn it is', async () => {
    const telemetry = create();
    const features = Array.from({ length: 12 }, (_, i) => {
      return { name: `f${i}`, status: i > 9 ? ('alarm' as const) : ('ok' as const), distance: { js: i / 100 } };
    });
    const report = { model: 'churn', version: '1.0.0', features, deadLetters: [{ alarm: true }, { alarm: false }] };
    telemetry.recordDrift({
      counted: 40,
      latest: [
        { ...report, size: '1h' },
        { ...report, size: '24h', features: [] },
      ],
    });
    const shown = await look(telemetry);
    const about = 'model="churn",version="1.0.0"';
    expect(shown.get(`hubscore_drift_alarms{${about},window="1h"}`)).toBe(3);
    expect(shown.get(`hubscore_drift_alarms{${about},window="24h"}`)).toBe(1);
    expect(shown.get(`hubscore_drift_distance{${about},feature="f11"}`)).toBe(0.11);
    expect([...shown.keys()].filter(name => name.startsWith('hubscore_drift_distance{'))).toHaveLength(10);
    telemetry.recordDrift(undefined);
    const after = await look(telemetry);
    expect([...after.keys()].some(name => /^hubscore_drift_(alarms|distance)/.test(name))).toBe(false);
    expect(after.get('hubscore_drift_read_total')).toBe(40);
  });

  it('shows what the sweep found in its turn, and leaves the gauges to whose turn it is', async () => {
    const telemetry = create();
    const model = { model: 'churn', quarantined: 1, action: 'rollback', waiting: 'held' } as const;
    telemetry.recordSweep({ counted: 7, behind: { results: 3 }, models: [model] });
    const shown = await look(telemetry);
    expect(shown.get('hubscore_sweep_behind_events{hub="results"}')).toBe(3);
    expect(shown.get('hubscore_rollout_decisions_total{model="churn",action="rollback"}')).toBe(1);
    expect(shown.get('hubscore_rollout_waiting{model="churn",reason="held"}')).toBe(1);
    expect(shown.get('hubscore_quarantined_versions{model="churn"}')).toBe(1);
    telemetry.recordSweep(undefined);
    const after = await look(telemetry);
    expect([...after.keys()].some(name => /^hubscore_(sweep_behind|rollout_waiting|quarantined)/.test(name))).toBe(
      false,
    );
    expect(after.get('hubscore_sweep_counted_total')).toBe(7);
  });
});
