import { randomUUID } from 'node:crypto';
import { createBlobs } from '../azure/blobs.ts';
import { eventHubsConnection, modelStorageConnection } from '../config/connection.ts';
import type { Settings } from '../config/settings.ts';
import { COMMIT } from '../core/build.ts';
import { VERSION } from '../core/version.ts';
import { withDeadline } from '../core/waiting.ts';
import { type DeploymentDocument, isOpen, type Rollout } from '../rollouts/document.ts';
import { readCounts } from '../sweep/read-counts.ts';
import { createAppNote } from '../sweep/running-app.ts';
import { createSweep } from '../sweep/sweep.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { createDeploymentDocuments, weightsOf } from './deployment-documents.ts';
import { blameFor } from './find-blame.ts';
import { type Acted, appendWaiting, judgeRollouts } from './judge-rollouts.ts';
import { openReader } from './open-events.ts';
import type { Lifetime } from './parts.ts';
import type { World } from './world.ts';

/** The group of results, dead letters and labels that the sweep reads by. */
const GROUP = 'monitor';
/** Few: decoding a block takes the worker that scores 27 µs an event, in which no partition goes on. With 1,000 the stream's p99 at 1,000/s was 56 ms, with 100 it is 7. */
const BLOCK = 100;
const DAY_MS = 86_400_000;
/** Longer than a sweep means to take. */
const DEADLINE_MS = 60_000;
/** A rollback waits no longer to be told where it fails, and looks at no more endings of a partition. */
const BLAME_MS = 3_000;
const BLAME_ENDINGS = 2_000;

export interface Sweeping {
  /** Counts what came since the last time, where it is this instance's turn, and does with rollouts what that says. */
  sweep(): Promise<Swept | undefined>;
}

/** Events that are there and not counted yet, by hub; undefined where it was somebody else's turn. */
type Swept = Readonly<Record<string, number>>;

/** The sweep over results, dead letters and labels. */
export function openSweep(
  settings: Settings,
  { clock, log, telemetry }: World & { readonly telemetry: Telemetry },
  lifetime: Lifetime,
): Sweeping {
  const connection = eventHubsConnection(settings);
  const storage = modelStorageConnection(settings);
  const reader = (hub: string) => openReader(connection, hub, [GROUP], BLOCK);
  const hubs = {
    results: reader(settings.RESULTS_HUB),
    deadLetters: reader(settings.DEAD_LETTER_HUB),
    labels: reader(settings.LABELS_HUB),
  };
  lifetime.free(() => Promise.allSettled(Object.values(hubs).map(hub => hub.close())));
  const models = createBlobs(storage, settings.MODELS_CONTAINER);
  const monitor = createBlobs(storage, settings.MONITOR_CONTAINER);
  const documents = createDeploymentDocuments(models, log);
  let read: ReadonlyMap<string, DeploymentDocument> = new Map();
  const sweep = createSweep({
    hubs,
    blobs: monitor,
    async weights(signal) {
      read = await documents.read(signal);
      return weightsOf(read);
    },
    holder: randomUUID(),
    labelWindowMs: settings.LABEL_WINDOW_DAYS * DAY_MS,
    windowsKeptMs: settings.MONITOR_RETENTION_DAYS * DAY_MS,
    clock,
    log,
  });
  const noteApp = createAppNote({ blobs: monitor, version: VERSION, commit: COMMIT, clock });
  const audit = createBlobs(storage, settings.AUDIT_CONTAINER);
  const blame = (model: string, rollout: Rollout, trigger: string, signal: AbortSignal) =>
    withDeadline(BLAME_MS, signal, own =>
      blameFor(settings, { models, model, rollout, trigger, atMost: BLAME_ENDINGS }, own),
    );
  const judging = { models, audit, leadMs: settings.ROLLOUT_LEAD_SECONDS * 1000, blame, clock, log };
  let running: Promise<Swept | undefined> | undefined;
  return {
    // Timer and live page share one: a reader reads a partition for one at a time.
    sweep() {
      running ??= sweepAndJudge().finally(() => {
        running = undefined;
      });
      return running;
    },
  };

  async function sweepAndJudge(): Promise<Swept | undefined> {
    const signal = AbortSignal.timeout(DEADLINE_MS);
    const report = await sweep.run(signal);
    if (report === undefined) {
      telemetry.recordSweep(undefined);
      return undefined;
    }
    await noteApp(signal);
    await appendWaiting(read, judging, signal);
    const { counted, behind } = report;
    const isCaughtUp = Object.values(behind).every(events => events === 0);
    const acted = await judgeOpen(isCaughtUp, signal);
    const models = [...read].map(([model, { quarantine, rollout }]) => {
      const found = acted.find(each => each.model === model);
      const waiting = rollout && found && waitsFor(found);
      return { model, quarantined: Object.keys(quarantine).length, action: found?.action, waiting };
    });
    telemetry.recordSweep({ counted, behind, models });
    return behind;
  }

  async function judgeOpen(isCaughtUp: boolean, signal: AbortSignal): Promise<readonly Acted[]> {
    if (![...read.values()].some(({ rollout }) => isOpen(rollout))) return [];
    const counts = await readCounts(monitor, [settings.RESULTS_HUB, settings.DEAD_LETTER_HUB], signal);
    return judgeRollouts(read, counts, isCaughtUp, judging, signal);
  }
}

/** Why a rollout waits for a person; undefined where it goes on by itself. */
function waitsFor({ judged, action }: Acted): 'held' | 'undecided' | undefined {
  if (action === 'hold' || (action === undefined && judged.rollout.phase === 'held')) return 'held';
  return action === undefined && judged.isOver ? 'undecided' : undefined;
}
