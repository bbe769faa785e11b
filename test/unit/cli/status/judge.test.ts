import { describe, expect, it } from 'vitest';
import { readMetrics } from '../../../../src/cli/status/app-metrics.ts';
import { judge, type Status } from '../../../../src/cli/status/judge.ts';

const QUIET: Omit<Status, 'trouble'> = {
  at: '2026-11-28T12:00:00.000Z',
  partitions: [{ id: '0', lag: 0, last_ending: '2026-11-27T12:00:00.000Z' }],
  models: [{ model: 'm', version: '1.0.0' }],
  dead_letters: [],
};

const seen = (more: Partial<Status>) => judge({ ...QUIET, ...more }, 1000);

describe('what someone must act on', () => {
  it('is nothing where all is settled, however long ago', () => {
    expect(seen({})).toEqual([]);
  });

  it('is a partition that stands still, or lags', () => {
    const late = { id: '1', lag: 1, last_ending: '2026-11-28T11:58:59.000Z' };
    const busy = { id: '2', lag: 1000, last_ending: '2026-11-28T11:59:59.000Z' };
    expect(seen({ partitions: [late, busy, { ...busy, id: '3', lag: 1001 }] })).toEqual([
      { what: 'partition 1: 1 wait and none comes to its ending', see: 'docs/operate.md#no-results' },
      { what: 'partition 3: 1001 wait', see: 'docs/operate.md#lag' },
    ]);
  });

  it('is a model whose version is not known, and an open breaker; not one half open', () => {
    expect(
      seen({
        models: [{ model: 'm', problem: 'm/deployment.json: not JSON' }],
        app: { breakers: { results: 'open', storage: 'half-open' }, throttled: 7 },
      }),
    ).toEqual([
      { what: 'm: m/deployment.json: not JSON', see: 'docs/operate.md#version-not-served' },
      { what: 'the circuit breaker of results is open', see: 'docs/operate.md#circuit-open' },
    ]);
  });

  it('is one dead letter that is ours, and ten a minute of a producer', () => {
    const letters = (code: string, count: number) => ({ code, model: 'm', count, see: `docs/operate.md#${code}` });
    expect(seen({ dead_letters: [letters('schema_mismatch', 600)] })).toEqual([]);
    expect(seen({ dead_letters: [letters('schema_mismatch', 600), letters('unexpected', 1)] })).toEqual([
      { what: '1 unexpected in the last hour, of m', see: 'docs/operate.md#unexpected' },
      { what: '601 dead letters in the last hour', see: 'docs/operate.md#dead-letters' },
    ]);
  });
});

describe('metrics of the app', () => {
  it('give breakers by target and the sends that were throttled', () => {
    const text = [
      '# TYPE hubscore_breaker_state gauge',
      'hubscore_breaker_state{target="results"} 2',
      'hubscore_breaker_state{target="storage"} 0',
      'hubscore_throttled_total{target="results"} 3',
      'hubscore_throttled_total{target="dead-letters"} 4',
    ].join('\n');
    expect(readMetrics(text)).toEqual({ breakers: { results: 'open', storage: 'closed' }, throttled: 7 });
  });
});
