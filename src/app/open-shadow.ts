import { randomUUID } from 'node:crypto';
import { createBlobs } from '../azure/blobs.ts';
import { modelStorageConnection } from '../config/connection.ts';
import type { Settings } from '../config/settings.ts';
import { asError } from '../core/errors.ts';
import { type Shadow, shadowOf } from '../rollouts/shadow.ts';
import { claimTurn } from '../sweep/turn.ts';
import { createDeploymentDocuments } from './deployment-documents.ts';
import type { Lifetime } from './parts.ts';
import { createShadowWorker } from './shadow-worker.ts';
import type { World } from './world.ts';

const MIB = 1024 * 1024;
/** Of it, and of the turn: what the other part of a turn is for is to keep what was paired. */
const BUDGET_MS = 7_000;
const DEADLINE_MS = 60_000;
/** With the time that a process and a model take to start. */
const CHILD_MS = 120_000;
const TURN = 'shadow';

export interface Shadowing {
  /** Pairs what came since the last time, where a document names a shadow and it is this instance's turn; else it reads no hub. */
  shadow(): Promise<void>;
}

export function openShadow(
  settings: Settings,
  environment: Readonly<Record<string, string | undefined>>,
  { clock, log }: World,
  lifetime: Lifetime,
): Shadowing {
  const storage = modelStorageConnection(settings);
  const documents = createDeploymentDocuments(createBlobs(storage, settings.MODELS_CONTAINER), log);
  const monitor = createBlobs(storage, settings.MONITOR_CONTAINER);
  const holder = randomUUID();
  const worker = createShadowWorker({
    ...{ environment, timeMs: CHILD_MS, growBytes: settings.MODEL_MEMORY_MB * MIB, log },
  });
  lifetime.free(worker.close);
  let isBusy = false;

  async function pair(model: string, shadow: Shadow): Promise<void> {
    try {
      const given = await worker.pair({ model, shadow, untilMs: clock() + BUDGET_MS });
      if (given.kind === 'refused') log.warn(`shadow of ${model} ${shadow.version} waits: ${given.message}`);
    } catch (thrown) {
      log.warn(`shadow of ${model} ${shadow.version} waits: ${asError(thrown).message}`);
    }
  }

  return {
    async shadow() {
      if (isBusy) return;
      isBusy = true;
      try {
        const signal = AbortSignal.timeout(DEADLINE_MS);
        const running: [string, Shadow][] = [];
        for (const [model, document] of await documents.read(signal)) {
          const shadow = shadowOf(document);
          if (shadow !== undefined && shadow.ended_at === undefined) running.push([model, shadow]);
        }
        for (const [model, shadow] of running) {
          if (clock() < Date.parse(shadow.effective_at)) continue;
          if (!(await claimTurn(monitor, TURN, holder, clock(), signal))) return;
          await pair(model, shadow);
        }
      } finally {
        isBusy = false;
      }
    },
  };
}
