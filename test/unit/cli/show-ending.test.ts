import { describe, expect, it } from 'vitest';
import { type Ending, showEnding } from '../../../src/cli/show-ending.ts';

const at = new Date(2026, 10, 21, 9, 0, 7, 42);
const plain = (_: unknown, text: string) => text;
const show = (kind: Ending['kind'], body: unknown) => showEnding({ kind, partition: '2', enqueuedAt: at, body }, plain);

describe('showEnding', () => {
  it('says a result in one line', () => {
    const body = {
      request_id: 'req_1',
      model: 'diabetes',
      model_version: '1.1.0+a1b2c3d4',
      prediction: 1,
      confidence: 0.734,
      latency_ms: 11.23,
    };
    expect(show('result', body)).toBe('09:00:07.042  req_1  diabetes 1.1.0+a1b2c3d4 → 1 73 %  11.2 ms  partition 2');
  });

  it('says why another version answered, and what else was unusual', () => {
    const body = {
      result_id: 'r/2/1',
      model: 'm',
      prediction: 'No',
      requested_version: '9',
      fallback: true,
      cached: true,
    };
    expect(show('result', body)).toContain('r/2/1  m → No  (instead of 9, from the cache)');
  });

  it('shortens many predictions, long texts and long numbers', () => {
    const predictions = [0.123456789, 'x'.repeat(80), [1, 2], 3].map(prediction => ({ prediction }));
    const line = show('result', { request_id: 1, model: 'm', predictions });
    expect(line).toContain(`→ 0.123457, ${'x'.repeat(57)}…, [1,2], and 1 more`);
  });

  it('says how many rows of a pack are bad, and of what', () => {
    const predictions = [{ id: 'a', prediction: 1 }, null];
    const errors = [{ index: 1, id: 'b', code: 'schema_mismatch', message: 'x' }];
    const line = show('result', { request_id: 1, model: 'm', predictions, errors });
    expect(line).toContain('→ 1, none  (1 bad: schema_mismatch)');
  });

  it('says why a request could not be scored', () => {
    const body = { request_id: 5, model: 'churn', error: { code: 'schema_mismatch', message: 'tenure is missing' } };
    expect(show('dead-letter', body)).toBe('09:00:07.042  5  churn → schema_mismatch: tenure is missing  partition 2');
  });

  it('shows what others put into the hub without failing', () => {
    expect(show('result', 'hello')).toContain('not ours  "hello"');
    expect(show('result', null)).toContain('not ours');
  });
});
