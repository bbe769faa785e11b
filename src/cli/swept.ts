import { modelStorageConnection } from '../config/connection.ts';
import type { Settings } from '../config/settings.ts';
import { type DeploymentDocument, NO_DOCUMENT } from '../rollouts/document.ts';
import type { SweptCounts } from '../sweep/read-counts.ts';
import { CommandError } from './terminal.ts';

/** A model's deployment.json and what was counted, as the sweep left it. */
export interface Swept {
  readonly document: DeploymentDocument;
  readonly counts: SweptCounts;
  /** Storage's clock where it says, milliseconds since the epoch. */
  readonly nowMs: number;
  /** When the sweep last began; undefined: never. */
  readonly sweptAtMs: number | undefined;
}

/** @throws CommandError where there is no such model; ChangeRefused where its deployment.json cannot be read */
export async function readSwept(settings: Settings, name: string, signal: AbortSignal): Promise<Swept> {
  const [{ createBlobs }, { readCounts }, { lastTurnAt, SWEEP_TURN }, { readDocument }] = await Promise.all([
    import('../azure/blobs.ts'),
    import('../sweep/read-counts.ts'),
    import('../sweep/turn.ts'),
    import('../rollouts/change.ts'),
  ]);
  const storage = modelStorageConnection(settings);
  const models = createBlobs(storage, settings.MODELS_CONTAINER);
  const monitor = createBlobs(storage, settings.MONITOR_CONTAINER);
  const there = await readDocument({ store: models, path: `${name}/deployment.json`, signal });
  if (there === undefined && (await models.list(`${name}/`, signal)).length === 0) {
    throw new CommandError(`there is no model ${name}`, '`npx hubscore models list` shows those that there are.');
  }
  return {
    document: there?.document ?? NO_DOCUMENT,
    nowMs: there?.answeredAtMs ?? Date.now(),
    counts: await readCounts(monitor, [settings.RESULTS_HUB, settings.DEAD_LETTER_HUB], signal),
    sweptAtMs: await lastTurnAt(monitor, SWEEP_TURN, signal),
  };
}
