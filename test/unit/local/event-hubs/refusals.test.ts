import { expect, it } from 'vitest';
import { Refusals } from '../../../../src/local/event-hubs/links/refusals.ts';

it('answers five at once, then five a second, and lets none wait for more than two seconds', () => {
  const refusals = new Refusals();
  const waits = Array.from({ length: 30 }, () => refusals.waitMs('a', 1_000));
  expect(waits.slice(0, 7)).toEqual([0, 0, 0, 0, 0, 200, 400]);
  expect(waits.at(-1)).toBe(2_000);
});

it('slows down one that comes back with each answer, and forgets it when it rests', () => {
  const refusals = new Refusals();
  let now = 0;
  let answered = 0;
  for (; now < 10_000; answered++) now += refusals.waitMs('a', now);
  expect(answered).toBe(5 + 10_000 / 200);
  expect(refusals.waitMs('a', now + 2_000)).toBe(0);
});

it('tells addresses apart, however many there are', () => {
  const refusals = new Refusals();
  for (let i = 0; i < 10; i++) refusals.waitMs('a', 0);
  expect(refusals.waitMs('b', 0)).toBe(0);
  for (let i = 0; i < 999; i++) refusals.waitMs(`other ${i}`, 0);
  expect(refusals.waitMs('a', 0), 'the one that was longest ago makes room').toBe(0);
});

it('waits no longer where the clock is set back', () => {
  const refusals = new Refusals();
  for (let i = 0; i < 10; i++) refusals.waitMs('a', 1_000_000);
  expect(refusals.waitMs('a', 0)).toBe(2_000);
  expect(refusals.waitMs('a', 5_000)).toBe(0);
});
