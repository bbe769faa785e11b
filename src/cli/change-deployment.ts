import { hostname, userInfo } from 'node:os';
import { modelStorageConnection } from '../config/connection.ts';
import type { Settings } from '../config/settings.ts';
import { BlobConflict } from '../core/blobs.ts';
import { asError } from '../core/errors.ts';
import type { ChangedBy } from '../models/deployment.ts';
import { deploymentPath, type ModelStore } from '../models/store.ts';
import { type Change, ChangeRefused, type Decided } from '../rollouts/change.ts';
import type { Moment } from '../rollouts/decisions.ts';
import type { DeploymentDocument } from '../rollouts/document.ts';
import { printable } from './printable.ts';
import { Refusal, type Terminal } from './terminal.ts';

/** Who types, for the audit trail; HUBSCORE_ACTOR where a pipeline does. */
export function actorOf({ environment }: Pick<Terminal, 'environment'>): string {
  return environment.HUBSCORE_ACTOR ?? `${userNameOf(environment)}@${hostname()}`;
}

function userNameOf(environment: Terminal['environment']): string {
  try {
    return userInfo().username;
  } catch {
    return environment.USER ?? 'unknown'; // a container without a name for its user
  }
}

/** The trail of who changed what. */
export async function openAudit(settings: Settings) {
  const { createBlobs } = await import('../azure/blobs.ts');
  return createBlobs(modelStorageConnection(settings), settings.AUDIT_CONTAINER);
}

/** What a change of aliases needs for the trail. */
export async function changedBy(terminal: Terminal, settings: Settings, name: string): Promise<ChangedBy> {
  const [{ readTail }, audit] = await Promise.all([import('../rollouts/audit-log.ts'), openAudit(settings)]);
  return { actor: actorOf(terminal), clock: Date.now, tail: () => readTail(audit, name, terminal.signal) };
}

/** Appends what waits to the trail; what cannot be written now is said, and waits on. */
export async function recordChanges(
  { signal, stderr }: Terminal,
  settings: Settings,
  store: Pick<ModelStore, 'readText' | 'writeText'>,
  name: string,
): Promise<void> {
  const [{ appendOutbox }, audit] = await Promise.all([import('../rollouts/audit-log.ts'), openAudit(settings)]);
  const path = deploymentPath(name);
  await appendOutbox(audit, name, { store, path, signal }).catch(thrown => {
    signal.throwIfAborted();
    stderr.write(`warning: ${printable(`the audit record waits in ${path}: ${asError(thrown).message}`)}\n`);
  });
}

/**
 * Changes a model's deployment.json under its ETag, and has that recorded.
 * @throws Refusal where it must not be changed so, or others keep changing it
 */
export async function changeDeployment(
  terminal: Terminal,
  settings: Settings,
  name: string,
  decide: (before: DeploymentDocument, moment: Moment) => Decided | undefined,
): Promise<Change> {
  const [{ createBlobs }, { changeAndRecord }, audit] = await Promise.all([
    import('../azure/blobs.ts'),
    import('../rollouts/audit-log.ts'),
    openAudit(settings),
  ]);
  const { signal, stderr } = terminal;
  const store = createBlobs(modelStorageConnection(settings), settings.MODELS_CONTAINER);
  const options = { store, path: deploymentPath(name), actor: actorOf(terminal), clock: Date.now, signal };
  const leadMs = settings.ROLLOUT_LEAD_SECONDS * 1000;
  try {
    const change = await changeAndRecord(audit, name, options, (before, nowMs) => decide(before, { nowMs, leadMs }));
    if (change.unwritten !== undefined) {
      const why = `the audit record waits in ${options.path}: ${change.unwritten.message}`;
      stderr.write(`warning: ${printable(why)}\n`);
    }
    return change;
  } catch (thrown) {
    if (thrown instanceof ChangeRefused) {
      throw new Refusal(`${name}: ${thrown.message}`, 'Nothing was changed.', { cause: thrown });
    }
    if (!(thrown instanceof BlobConflict)) throw thrown;
    throw new Refusal('others kept changing deployment.json', 'Nothing was changed: try again.', { cause: thrown });
  }
}
