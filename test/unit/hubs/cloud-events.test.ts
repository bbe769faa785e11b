import { message } from 'rhea-promise';
import { describe, expect, it } from 'vitest';
import { cloudEvents } from '../../../src/codecs/cloud-events/cloud-events.ts';
import { BatchEncoder } from '../../../src/hubs/encode-message.ts';
import { writeEndings } from '../../../src/hubs/write-endings.ts';
import { planEndings } from '../../../src/ledger/plan-endings.ts';
import { endingMessages } from '../../support/ending-messages.ts';
import { batchOf } from '../../support/events.ts';

const BODIES = [
  '{"request_id":"a \\"quoted\\" id, é","prediction":1}',
  '{"request_id":12345678901234567890,"prediction":2}',
  '{"request_id":"","prediction":3}',
  '{"prediction":4}',
];

/** As a consumer's AMQP library reads them. */
function sent(asCloudEvents: boolean) {
  const endings = BODIES.map((body, i) => ({ sequenceNumber: 9 + i, body: Buffer.from(body) }));
  const messages = endingMessages(endings, asCloudEvents);
  const encoder = new BatchEncoder(1_048_576);
  expect(writeEndings(encoder, messages, 0)).toBe(BODIES.length);
  const { body } = message.decode(encoder.bytes());
  return (body as { content: Buffer[] }).content.map(inner => message.decode(inner));
}

describe('results as CloudEvents', () => {
  it('have their attributes in binary mode, and the body and all else as before', () => {
    const [events, plain] = [sent(true), sent(false)];
    expect(events.map(({ application_properties }) => application_properties)).toMatchObject(
      ['a "quoted" id, é', '12345678901234567890', 'inference-requests/1/11', 'inference-requests/1/12'].map(
        (subject, i) => ({
          cloudEvents_specversion: '1.0',
          cloudEvents_type: 'hubscore.result',
          cloudEvents_source: '/hubscore/inference-requests',
          cloudEvents_id: `inference-requests/1/${9 + i}`,
          cloudEvents_subject: subject,
          source_sequence_number: 9 + i,
          settled_through: 9 + i,
        }),
      ),
    );
    const rest = (all: typeof events) =>
      all.map(({ application_properties, ...others }) => ({
        ...others,
        properties: Object.fromEntries(
          Object.entries(application_properties ?? {}).filter(([name]) => !name.startsWith('cloudEvents_')),
        ),
      }));
    expect(rest(events)).toEqual(rest(plain));
    expect(events[0]?.content_type).toBe('application/json');
  });

  it('are events that the codec of CloudEvents takes', () => {
    const codec = cloudEvents(() => []);
    for (const { application_properties: properties = {} } of sent(true))
      expect(codec.takes(batchOf(['{}'], { properties }).events[0]!, undefined)).toBe(true);
  });

  it('are results alone: dead letters stay what they are', () => {
    const { scored } = endingMessages([{ sequenceNumber: 9, body: Buffer.from('{}') }]);
    const standing = { log: 1, settledThrough: 8, ended: new Map() } as unknown as Parameters<typeof planEndings>[1];
    const plan = planEndings(scored, standing, { partition: '1', lastSequenceNumber: 9 }, true);
    expect(plan.results.asCloudEvents).toBe(true);
    expect(plan.deadLetters.asCloudEvents).toBe(false);
    expect(planEndings(scored, standing, { partition: '1', lastSequenceNumber: 9 }).results.asCloudEvents).toBe(false);
  });
});
