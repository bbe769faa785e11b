import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { createChildren } from '../apart/children.ts';
import { createGuard, type Guard } from '../apart/guard.ts';
import { openMarks } from '../apart/marks.ts';
import { createPredictApart } from '../apart/predict-apart.ts';
import type { Asked, Given } from '../apart/protocol.ts';
import { createScoreApart } from '../apart/score-apart.ts';
import type { VersionName } from '../apart/wire-predictions.ts';
import { availableCores } from '../backends/onnx/cores.ts';
import { createDeadLetterRenderer } from '../codecs/event-json/dead-letter.ts';
import type { Settings } from '../config/settings.ts';
import type { Catalog } from '../core/catalog.ts';
import { InfrastructureError } from '../core/errors.ts';
import { type Loss, startChild } from '../processes/child.ts';
import type { Scoring } from '../scoring/scoring.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { cacheDirOf } from './cache-dir.ts';
import { MAX_BODY_BYTES } from './open-scoring.ts';
import type { Lifetime } from './parts.ts';
import type { World } from './world.ts';

const MIB = 1024 * 1024;
const IDLE_MS = 20_000;
const READY_MS = 30_000;

export type Environment = Readonly<Record<string, string | undefined>>;

interface Parts {
  readonly scoring: Scoring;
  readonly catalog: Catalog;
  readonly telemetry: Telemetry;
}

/** What stands between this process and what may kill it. */
export function openGuard(
  settings: Settings,
  environment: Environment,
  { scoring, catalog, telemetry, clock, log }: World & Parts,
  lifetime: Lifetime,
): Guard {
  const marks = openMarks(marksFolder(settings), log);
  lifetime.free(async () => marks.close());
  const script = new URL(
    import.meta.url.endsWith('.ts') ? './apart-process.ts' : './apart-process.js',
    import.meta.url,
  );
  const children = createChildren({
    start: () => startChild<Asked, Given>({ script, name: 'the scoring process', environment }),
    // Two at least: what hangs in one must not hold up everything.
    atMost: Math.min(4, Math.max(2, availableCores())),
    readyMs: READY_MS,
    idleMs: IDLE_MS,
  });
  lifetime.free(children.close);
  const apart = {
    children,
    timeMs: settings.INFERENCE_TIMEOUT_SECONDS * 1000,
    growBytes: (settings.MODEL_MEMORY_MB * MIB) / 2, // so that it, too, goes by the size of the instance
    loadMs: settings.MODEL_LOAD_TIMEOUT_SECONDS * 1000,
    loadBytes: settings.MODEL_MEMORY_MB * MIB,
    onLoss(loss: Loss) {
      telemetry.recordLostProcess(loss);
      guard.warn();
    },
    log,
  };
  const renderDeadLetter = createDeadLetterRenderer(MAX_BODY_BYTES, clock);
  const scoreApart = createScoreApart({ ...apart, renderDeadLetter });
  const predictApart = createPredictApart({ ...apart, find: name => findVersion(catalog, name), clock });
  const guard = createGuard({
    ...scoring,
    marks,
    async scoreApart(batch, signal) {
      const scored = await scoreApart(batch, signal);
      telemetry.recordApart(batch.events.length);
      return scored;
    },
    async predictApart(requests, signal, timings) {
      const endings = await predictApart(requests, signal, timings);
      telemetry.recordApart(requests.length);
      return endings;
    },
    clock,
    log,
  });
  return guard;
}

/** Beside the models, since they outlive the process too; of this hub and this group alone, as other apps may share the folder. */
function marksFolder(settings: Settings): string {
  const { EventHubs, EventHubs__fullyQualifiedNamespace, REQUESTS_HUB, CONSUMER_GROUP } = settings;
  const endpoint = /Endpoint=([^;]*)/i.exec(EventHubs ?? '')?.[1] ?? EventHubs__fullyQualifiedNamespace;
  const key = createHash('sha256').update(JSON.stringify([endpoint, REQUESTS_HUB, CONSUMER_GROUP]));
  return join(cacheDirOf(settings), 'marks', key.digest('hex').slice(0, 16));
}

async function findVersion(catalog: Catalog, { name, version, label }: VersionName) {
  const routing = await catalog.routing(name, version);
  const found = (routing.route ?? routing.production).version;
  if (found.label === label) return found;
  throw new InfrastructureError(
    `${name} ${label} answered, and here is ${found.label}: the version was replaced just now`,
  );
}
