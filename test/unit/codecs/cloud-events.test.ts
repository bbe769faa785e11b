import { describe, expect, it } from 'vitest';
import { scoreMapped } from '../../support/mapped-scoring.ts';

const STRUCTURED = { contentType: 'application/cloudevents+json; charset=utf-8' };
const BATCHED = { contentType: 'application/cloudevents-batch+json' };
const attributes = { specversion: '1.0', type: 'com.example.row', source: '/unit' };
const event = (id: string, data: unknown, more: object = {}) => ({ ...attributes, id, data, ...more });

describe('a CloudEvent', () => {
  it('is unwrapped where it is structured; a request keeps an id of its own', async () => {
    const bodies = [
      event('e1', { features: [1, 2] }),
      event('e2', { features: [3, 4], request_id: 'own' }),
      { ...attributes, id: 'e3', data_base64: Buffer.from('{"features":[5,6]}').toString('base64') },
      event('e4', '{"features":[7,8]}', { datacontenttype: 'text/plain' }),
    ];
    const { endings } = await scoreMapped(undefined, bodies, STRUCTURED);
    expect(Object.values(endings).map(({ request_id, prediction }) => [request_id, prediction])).toEqual([
      ['e1', 12],
      ['own', 34],
      ['e3', 56],
      ['e4', 78],
    ]);
  });

  it('may be one of a batch, whose bad ones end alone', async () => {
    const batch = [event('b0', { features: [1, 2] }), event('b1', { features: [1] }), 5, { id: 'b3' }];
    const { endings } = await scoreMapped(undefined, [batch], BATCHED);
    expect(endings['100/0']).toMatchObject({ request_id: 'b0', prediction: 12 });
    expect(endings['100/1']).toMatchObject({ request_id: 'b1', error: { code: 'schema_mismatch' } });
    expect(JSON.parse(endings['100/1'].body)).toEqual({ request_id: 'b1', features: [1] });
    expect(endings['100/2'].error.message).toBe('expected a CloudEvent, an object; got a number');
    expect(endings['100/3']).toMatchObject({
      request_id: 'b3',
      error: { message: 'the CloudEvent has no specversion' },
    });
  });

  it.each(['cloudEvents:', 'cloudEvents_', 'ce_'])('is known by its properties in binary mode: %s', async prefix => {
    const named = { ...attributes, id: 'bin' };
    const properties = Object.fromEntries(
      Object.entries(named).map(([name, value]) => [prefix + name, prefix === 'ce_' ? Buffer.from(value) : value]),
    );
    const body = { features: [1, 2] };
    const bodies = [body, { request_id: 'own', ...body }];
    const { endings } = await scoreMapped(undefined, bodies, { properties, contentType: 'application/json' });
    expect(endings[100]).toMatchObject({ request_id: 'bin', prediction: 12 });
    expect(endings[101]).toMatchObject({ request_id: 'own', prediction: 12 });
  });

  it('is mapped by its data, its attributes beside it in every mode', async () => {
    const input = { where: { path: '@property.ce_type', in: ['row'] }, carry: ['@property.ce_source'] };
    const of = (id: string, type: string) => event(id, { a: 2 }, { type });
    const { endings } = await scoreMapped(input, [[of('m0', 'other'), of('m1', 'row')]], BATCHED);
    expect(endings).toMatchObject({ '100/1': { request_id: 'm1', prediction: 20, carried: { ce_source: '/unit' } } });
    expect(Object.keys(endings)).toEqual(['100/1']);
    const properties = { 'cloudEvents:specversion': '1.0', 'cloudEvents:type': 'row', 'cloudEvents:source': 's' };
    const binary = await scoreMapped(input, [{ a: 3 }], { properties });
    expect(binary.endings[100]).toMatchObject({ prediction: 30, carried: { ce_source: 's' } });
  });

  it.each(['', '[]', '{', '"x"'])('that is none is a dead letter: %s', async body => {
    const { endings } = await scoreMapped(undefined, [body], STRUCTURED);
    expect(endings[100].error.code).toBe('malformed_payload');
  });
});
