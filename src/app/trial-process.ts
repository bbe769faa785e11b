import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { settingsOrDefaults } from '../config/config.ts';
import { NO_CARD } from '../models/card.ts';
import { type TrialJob, tryHere } from '../models/trial.ts';
import type { Verdict } from '../models/verdict.ts';
import { serveParent } from '../processes/serve-parent.ts';
import { createLoaders } from './create-loaders.ts';

/** To the process that tries one file: first that it make itself ready, then what to try. */
export type TrialRequest = { readonly ready: string } | TrialJob;

/** One operator, Neg, from x to y, each [N,1]. */
const NOTHING = Buffer.from(
  'CAgSCWhhbmQtbWFkZTpBCg0KAXgSAXkiA05lZzoAEgR0ZXN0WhQKAXgSDwoNCAESCQoDEgFOCgIIAWIUCgF5Eg8KDQgBEgkKAxIBTgoCCAFCBAoAEBE=',
  'base64',
);
const QUIET = { info() {}, warn() {}, error() {} };

// What the runtime and this code take but once, whatever is opened, is not counted.
const { loaders } = createLoaders({ ...settingsOrDefaults({}), WORKER_THREADS: 0 }, QUIET);

serveParent<TrialRequest, Verdict>(async request => {
  if (!('ready' in request)) return tryHere(request, loaders, collectGarbage);
  const path = join(request.ready, 'nothing.onnx');
  await writeFile(path, NOTHING);
  const titles = { model: 'nothing', card: 'nothing' };
  const nothing = { name: 'nothing', version: '1.0.0', raw: NO_CARD, sha256: '', titles, path, bytes: NOTHING.length };
  return tryHere({ ...nothing, beside: {}, folder: request.ready, again: false }, loaders, async () => {});
});

/** Twice: buffers that it finds are freed by another thread, a moment later. */
async function collectGarbage(): Promise<void> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let round = 0; round < 2; round++) {
    collect();
    await sleep(20);
  }
}
