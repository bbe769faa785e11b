import type { Loader } from '../../src/core/loader.ts';
import { NO_CARD, type RawCard } from '../../src/models/card.ts';
import type { GatheredVersion } from '../../src/models/open-version.ts';
import type { Trial } from '../../src/models/trial.ts';
import { passed } from '../../src/models/verdict.ts';

const none = async (): Promise<never> => {
  throw new Error('nothing is opened here');
};
const loader: Loader = { runtime: 'some runtime 1.0', takes: () => true, open: none, close: async () => {} };

/** A version that nobody opens really. */
export function versionNamed(
  name: string,
  change: Partial<GatheredVersion> = {},
  raw: RawCard = NO_CARD,
): GatheredVersion {
  const file = { path: '/nowhere/model.onnx', bytes: 100, derive: none, gather: none, has: async () => false };
  const titles = { model: `${name}/1.0.0/model.onnx`, card: `${name}/1.0.0/model.json` };
  const gathered = { file, beside: {} };
  return { name, version: '1.0.0', raw, sha256: 'a'.repeat(64), titles, file, gathered, loader, ...change };
}

export const PASSED = { memoryBytes: 7e6, peakBytes: 8e6, warmUpMs: 1, maxBatchSize: 32, apart: false, varies: false };

export const passing: Trial = async () => passed(PASSED);
