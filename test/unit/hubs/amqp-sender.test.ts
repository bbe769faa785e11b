import { EventEmitter, getEventListeners } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { SenderEvents } from 'rhea-promise';
import { describe, expect, it } from 'vitest';
import { createAmqpSender } from '../../../src/hubs/amqp-sender.ts';
import type { SenderLink } from '../../../src/hubs/sender-link.ts';
import { endingMessages } from '../../support/ending-messages.ts';
import { growth } from '../../support/live-heap.ts';

/** A link that confirms everything, by deliveries which hold their bytes, as rhea's do. */
function fakeLink(hasCredit: () => boolean) {
  const end = new AbortController();
  const events = new EventEmitter();
  let cuts = 0;
  const sender = Object.assign(events, {
    maxMessageSize: 1_000_000,
    sendable: hasCredit,
    send: async (bytes: unknown) => ({ data: Buffer.from(bytes as Buffer) }),
  }) as unknown as SenderLink['sender'];
  const link: SenderLink = { sender, lost: end.signal, open: true, cut: () => void cuts++, async close() {} };
  const connection = { openSender: async () => link, async close() {} };
  return { connection, events, end, cuts: () => cuts };
}

const OPTIONS = { hub: 'results', sendTimeoutMs: 60_000 };
const MESSAGES = endingMessages([{ sequenceNumber: 1, body: Buffer.alloc(1) }]);

describe('the AMQP sender', () => {
  it('keeps nothing of 200,000 sends over one link', async () => {
    const { connection, end } = fakeLink(() => true);
    const sender = createAmqpSender(connection, OPTIONS);
    const { signal } = new AbortController();
    expect(await growth(200_000, () => sender.send('0', MESSAGES, signal))).toBeLessThan(1);
    expect(getEventListeners(end.signal, 'abort')).toEqual([]);
  });

  it('keeps nothing of 20,000 waits for credit', async () => {
    const { connection, end, events } = fakeLink(() => false);
    const sender = createAmqpSender(connection, OPTIONS);
    const batch = new AbortController();
    const send = () => {
      setImmediate(() => events.emit(SenderEvents.sendable));
      return sender.send('0', MESSAGES, batch.signal);
    };
    expect(await growth(20_000, send)).toBeLessThan(0.5);
    const listeners = [end, batch].flatMap(({ signal }) => getEventListeners(signal, 'abort'));
    expect([...listeners, ...events.listeners(SenderEvents.sendable)]).toEqual([]);
  });

  it.each([
    ['the batch is aborted', 60_000, 'time is up'],
    ['the link is lost', 60_000, 'the service closed the link'],
    ['none comes in time', 20, 'the service gave no credit for 0.02 s'],
  ])('gives up waiting for credit where %s, and keeps nothing of it', async (what, sendTimeoutMs, message) => {
    const { connection, end, events } = fakeLink(() => false);
    const sender = createAmqpSender(connection, { ...OPTIONS, sendTimeoutMs });
    const batch = new AbortController();
    const sending = sender.send('0', MESSAGES, batch.signal);
    setImmediate(() => {
      if (what.includes('batch')) batch.abort(new Error('time is up'));
      if (what.includes('link')) end.abort(new Error('the service closed the link'));
    });
    await expect(sending).rejects.toMatchObject({
      certainty: 'absent',
      message: expect.stringContaining(message),
    });
    await turn();
    const listeners = [end, batch].flatMap(({ signal }) => getEventListeners(signal, 'abort'));
    expect([...listeners, ...events.listeners(SenderEvents.sendable)]).toEqual([]);
  });
});
