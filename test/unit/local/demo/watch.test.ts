import type { ReceivedEventData } from '@azure/event-hubs';
import { expect, it } from 'vitest';
import { reduce } from '../../../../src/local/demo/watch.ts';

const event = (body: unknown) =>
  ({
    body,
    enqueuedTimeUtc: new Date(Date.UTC(2026, 10, 21, 9)),
    properties: { settled_through: 7 },
  }) as unknown as ReceivedEventData;

it('keeps the digits of ids and of labels', () => {
  const body = '{"request_id":12345678901234567890123,"model":"m","prediction":123456789,"confidence":0.734}';
  expect(reduce('result', event(Buffer.from(body)), '2')).toMatchObject({
    requestId: '12345678901234567890123',
    said: '123456789  73 %',
    settledThrough: 7,
  });
});

it('shows what is none of ours without failing', () => {
  for (const body of [Buffer.from('no JSON'), Buffer.from('null'), 7, 'text', undefined]) {
    expect(reduce('result', event(body), '0')).toMatchObject({ requestId: '?', said: '' });
  }
});
