import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { weigh } from '../../../src/codecs/weigh.ts';
import type { Event } from '../../../src/core/event.ts';
import { batchOf } from '../../support/events.ts';

const KIB = 1024;
const weightOf = (body: string | Buffer, event: Partial<Event> = {}) =>
  weigh(batchOf([body], event).events[0] as Event);
const packed = { contentEncoding: 'gzip' };

it('an event weighs what it unpacks to, and something for each request in it', () => {
  const one = '{"features":[1,2,3]}';
  expect(weightOf(one)).toBe(one.length + KIB);
  expect(weightOf(`${one}\n${one}\n${one}`)).toBe(3 * one.length + 2 + 3 * KIB);
  expect(weightOf(`[${one},${one}]`)).toBeGreaterThanOrEqual(2 * one.length + 2 * KIB);
  expect(weightOf(` \uFEFF[${one},${one}]`)).toBeGreaterThanOrEqual(2 * one.length + 2 * KIB);
  const many = `[${new Array(10_000).fill('{}').join()}]`;
  const small = gzipSync(many);
  expect(small.length).toBeLessThan(110);
  expect(weightOf(small, packed)).toBe(many.length + 10_000 * KIB);
});

it('what cannot be unpacked weighs what the attempt may take', () => {
  expect(weightOf(gzipSync(Buffer.alloc(17 * KIB * KIB, 32)), packed)).toBe(16 * KIB * KIB);
  expect(weightOf('no gzip', packed)).toBe('no gzip'.length + KIB);
});
