import { describe, expect, it, vi } from 'vitest';
import { InfrastructureError } from '../../../src/core/errors.ts';
import type { ModelVersion } from '../../../src/core/model.ts';
import { BrokenModel } from '../../../src/models/load-version.ts';
import { createResidents } from '../../../src/models/residents.ts';
import { growth } from '../../support/live-heap.ts';
import { modelVersion } from '../../support/model-version.ts';

const stored = { name: 'm', version: '1.0.0', modelEtag: '1', cardEtag: undefined, bytes: 1 };

function residentsOf(load: (signal: AbortSignal) => Promise<ModelVersion>, loadTimeoutMs = 60_000) {
  return createResidents({
    load: (_, signal) => load(signal),
    ...{ budgetBytes: 1e9, loadTimeoutMs, clock: () => 0, onLoad: undefined },
    log: { info() {}, warn() {}, error() {} },
  });
}

describe('loads', () => {
  it('leave nothing on the end of the process, which they are given up at', async () => {
    const residents = residentsOf(async signal => {
      const listener = () => {};
      signal.addEventListener('abort', listener); // as a download does
      signal.removeEventListener('abort', listener);
      throw new BrokenModel('no model', undefined);
    });
    expect(await growth(20_000, () => residents.load(stored).catch(() => {}))).toBeLessThan(0.5);
    await residents.close();
  });

  it.each([
    ['the time is over', BrokenModel, 'm/1.0.0/model.onnx: not loaded within 0.02 s'],
    ['the process ends', InfrastructureError, 'closing'],
  ])('are given up where %s; what they still bring is freed', async (what, error, message) => {
    let bring: (version: ModelVersion) => void = () => {};
    let told: AbortSignal | undefined;
    const residents = residentsOf(
      signal => {
        told = signal;
        return new Promise(resolve => {
          bring = resolve;
        });
      },
      what.includes('time') ? 20 : 60_000,
    );
    const loading = residents.load(stored);
    const failing = expect(loading).rejects.toThrow(error);
    if (what.includes('process')) void residents.close();
    await failing;
    await expect(loading).rejects.toThrow(message);
    expect(told?.aborted).toBe(true);
    const version = modelVersion({ inputs: ['x: float32[?,1]'] });
    const close = vi.spyOn(version.backend, 'close');
    bring(version);
    await vi.waitFor(() => expect(close).toHaveBeenCalledOnce());
  });
});

describe('the room that loaded versions take', () => {
  it('is what the version says that was loaded last, and superseded ones go first', async () => {
    let nowMs = 0;
    const bytes: Record<string, number> = { a: 40, b: 40, c: 40 };
    const residents = createResidents({
      async load({ name }) {
        const version = modelVersion({ inputs: ['x: float32[?,1]'], name });
        return {
          ...version,
          backend: { ...version.backend, info: { ...version.backend.info, memoryBytes: bytes[name]! } },
        };
      },
      ...{ budgetBytes: 100, loadTimeoutMs: 60_000, clock: () => nowMs++, onLoad: undefined },
      log: { info() {}, warn() {}, error() {} },
    });
    const load = (name: string) => residents.load({ ...stored, name });
    const loaded = () => [...residents.loaded().keys()];
    await load('a');
    (await load('b')).superseded = true;
    await load('c');
    expect(loaded()).toEqual(['a', 'c']);
    bytes.b = 20; // measured anew
    await load('b');
    expect(loaded()).toEqual(['a', 'b', 'c']);
    await residents.close();
  });
});
