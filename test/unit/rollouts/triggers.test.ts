import { describe, expect, it } from 'vitest';
import { durationMs } from '../../../src/rollouts/durations.ts';
import { DEFAULT_TRIGGERS, parseTrigger, triggersOf, watchedBy } from '../../../src/rollouts/triggers.ts';

describe('watchedBy', () => {
  it.each([
    ['error_rate > 0.01', { metric: 'error_rate', limit: 0.01, share: undefined }],
    ['failed_runs>.02', { metric: 'failed_runs', limit: 0.02, share: undefined }],
    ['latency_p95 > 500ms', { metric: 'latency', limit: 500, share: 0.05 }],
    ['latency_p99 > 1.5s', { metric: 'latency', limit: 1500, share: 0.01 }],
    ['accuracy_drop > 0.05', { metric: 'accuracy_drop', limit: 0.05, share: undefined }],
    ['error_increase > 12', { metric: 'error_increase', limit: 12, share: undefined }],
  ])('reads %s', (when, expected) => {
    expect(watchedBy(when)).toEqual(expected);
  });

  it('knows its own defaults', () => {
    for (const { when } of DEFAULT_TRIGGERS) expect(watchedBy(when), when).toBeDefined();
  });
});

describe('parseTrigger', () => {
  it('takes a signal', () => {
    expect(parseTrigger('error_rate > 0.02:signal')).toEqual({ when: 'error_rate > 0.02', signal: true });
  });

  it.each(['class_shift', 'confidence_shift'])('takes %s as a signal and as nothing else', when => {
    expect(parseTrigger(`${when}:signal`)).toEqual({ when, signal: true });
    expect(() => parseTrigger(when)).toThrow('class_shift:signal and confidence_shift:signal, which are signals only');
    expect(() => parseTrigger(`${when} > 0.1:signal`)).toThrow('expected one of');
  });

  it.each([
    'error_rate',
    'error_rate < 0.01',
    'error_rate > 0',
    'error_rate > 2',
    'latency_p95 > 500',
    'latency_p97 > 5ms',
    'cpu > 3',
    'error_rate > 0.01:hold',
    '',
  ])('refuses %j, and says what is allowed', text => {
    expect(() => parseTrigger(text)).toThrow(/expected one of error_rate > SHARE, .*latency_p50\|p90\|p95\|p99/);
  });

  it('keeps watching for failed runs unless they are written', () => {
    const mine = parseTrigger('error_rate > 0.02');
    expect(triggersOf([]).length).toBe(4);
    expect(triggersOf([mine])).toEqual([mine, DEFAULT_TRIGGERS[3]]);
    const runs = parseTrigger('failed_runs > 0.1');
    expect(triggersOf([runs])).toEqual([runs]);
  });
});

describe('durationMs', () => {
  it('reads seconds to days, and nothing else', () => {
    expect(['90s', '30m', '24h', '7d', '1.5h'].map(durationMs)).toEqual([90e3, 18e5, 864e5, 6048e5, 54e5]);
    expect(['', '24', 'h', '-1h', '1w'].map(durationMs)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });
});
