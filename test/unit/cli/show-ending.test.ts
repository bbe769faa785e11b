import { describe, expect, it } from 'vitest';
import { type Ending, showEnding } from '../../../src/cli/show-ending.ts';

const at = new Date(2026, 10, 21, 9, 0, 7, 42);
const plain = (_: unknown, text: string) => text;
const show = (kind: Ending['kind'], body: unknown) =>
  showEnding({ kind, partition: '2', enqueuedAt: at, body, json: '' }, plain);

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

  it('shortens many predictions and long texts, and leaves numbers as they are', () => {
    const predictions = [0.123456789, 'x'.repeat(80), [1, 2], 3].map(prediction => ({ prediction }));
    const line = show('result', { request_id: 1, model: 'm', predictions });
    expect(line).toContain(`→ 0.123456789, ${'x'.repeat(57)}…, [1,2], and 1 more`);
  });

  it('shows what a terminal would obey as it would be written', () => {
    const bad = '\u001b[31mred\u009b2J\u202etxt\r\n';
    const line = show('dead-letter', { request_id: bad, model: bad, error: { code: bad, message: bad } });
    expect(line).not.toMatch(/[\p{Cc}\u202e]/u);
    expect(line.split('\\u001b[31mred\\u009b2J\\u202etxt\\u000d\\u000a')).toHaveLength(5);
    const result = { request_id: 1, model: 'm', model_version: bad, prediction: { [bad]: [bad] }, variant: bad };
    expect(show('result', result)).not.toMatch(/[\p{Cc}\u202e]/u);
    expect(show('result', bad)).not.toMatch(/[\p{Cc}\u202e]/u);
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
