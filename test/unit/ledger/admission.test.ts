import { describe, expect, it } from 'vitest';
import { createAdmission } from '../../../src/ledger/admission.ts';

const never = new AbortController().signal;
/** Whether it has been admitted by now. */
async function settled(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol();
  return (await Promise.race([promise, new Promise(resolve => setImmediate(resolve, pending))])) !== pending;
}

describe('admission', () => {
  it('admits up to its bytes, the rest in turn', async () => {
    const { enter } = createAdmission(100);
    const first = await enter(60, never);
    const second = enter(50, never);
    const third = enter(10, never);
    expect(await settled(second)).toBe(false);
    expect(await settled(third)).toBe(false); // though it would fit: nobody is overtaken
    first();
    expect(await settled(second)).toBe(true);
    expect(await settled(third)).toBe(true);
  });

  it('admits what is larger than all there is, alone', async () => {
    const { enter } = createAdmission(100);
    const small = await enter(1, never);
    const huge = enter(1_000, never);
    expect(await settled(huge)).toBe(false);
    small();
    const leave = await huge;
    const next = enter(1, never);
    expect(await settled(next)).toBe(false);
    leave();
    await next;
  });

  it('frees once, however often it is told', async () => {
    const { enter } = createAdmission(10);
    const leave = await enter(10, never);
    leave();
    leave();
    await enter(10, never);
    expect(await settled(enter(10, never))).toBe(false);
  });

  it('lets those behind pass where one gives up', async () => {
    const { enter } = createAdmission(10);
    const leave = await enter(5, never);
    const impatient = new AbortController();
    const large = enter(10, impatient.signal);
    const small = enter(5, never);
    expect(await settled(small)).toBe(false);
    impatient.abort(new Error('deadline'));
    await expect(large).rejects.toThrow('deadline');
    expect(await settled(small)).toBe(true);
    leave();
    await expect(enter(1, AbortSignal.abort(new Error('late')))).rejects.toThrow('late');
  });
});
