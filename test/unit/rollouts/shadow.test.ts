import { describe, expect, it } from 'vitest';
import { routingStates } from '../../../src/rollouts/choose.ts';
import { type DeploymentDocument, NO_DOCUMENT } from '../../../src/rollouts/document.ts';
import { shadowOf, startShadow, stopShadow } from '../../../src/rollouts/shadow.ts';
import { T0 } from '../../support/rollouts.ts';

const moment = { nowMs: T0, leadMs: 15_000 };
const asked = { id: 'sh_1', version: '1.2.0', sample: 20 };

describe('a shadow', () => {
  it('begins after the lead, ends by hand, and then may be followed by another one', () => {
    const begun = startShadow(NO_DOCUMENT, asked, moment).document;
    expect(shadowOf(begun)).toEqual({ ...asked, effective_at: '2026-11-21T09:00:15.000Z', ended_at: undefined });
    expect(() => startShadow(begun, { ...asked, id: 'sh_2' }, moment)).toThrow('shadow sh_1 of 1.2.0 runs');
    const ended = stopShadow(begun, moment).document;
    expect(shadowOf(ended)?.ended_at).toBe('2026-11-21T09:00:00.000Z');
    expect(() => stopShadow(ended, moment)).toThrow('no shadow runs');
    expect(shadowOf(startShadow(ended, { ...asked, id: 'sh_2' }, moment).document)).toMatchObject({ id: 'sh_2' });
  });
  it('routes nothing', () => {
    const before = { ...NO_DOCUMENT, aliases: { production: '1.1.0' } };
    const states = (document: DeploymentDocument) =>
      routingStates(document).map(({ aliases, fromMs }) => [...aliases, fromMs]);
    expect(states({ ...before, ...startShadow(before, asked, moment).document })).toEqual(states(before));
  });
  it.each([0, -1, 101])('of %d per cent is refused', sample => {
    expect(() => startShadow(NO_DOCUMENT, { ...asked, sample }, moment)).toThrow('at most 100');
  });
  it('that says too little is none', () => {
    expect(shadowOf({ shadow: { sample: 5 } })).toBeUndefined();
  });
});
