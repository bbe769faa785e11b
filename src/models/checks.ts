import type { Clock } from '../core/log.ts';
import type { Deployments } from './deployments.ts';
import { KEPT_MS } from './residents.ts';
import type { Snapshot } from './snapshot.ts';

/** Keeps to what the deployments of models in use say, between two looks at storage. */
export interface Checks {
  /** Requests go by this model's document. */
  use(name: string): void;
  /** Asks storage where the last answer is too old; undefined where none is. What does not answer is gone by as it was. */
  due(): Promise<void> | undefined;
}

/** @param onChange has what changed followed; resolves once what is in force by now is */
export function createChecks(parts: {
  readonly snapshot: Snapshot;
  readonly deployments: Deployments;
  /** DEPLOYMENT_CHECK_SECONDS */
  readonly everyMs: number;
  readonly clock: Clock;
  readonly onChange: (name: string) => Promise<void>;
}): Checks {
  const { snapshot, deployments, everyMs, clock, onChange } = parts;
  const usedMs = new Map<string, number>();
  const triedMs = new Map<string, number>();
  const underWay = new Map<string, Promise<void>>();

  async function check(name: string): Promise<void> {
    triedMs.set(name, clock());
    const model = snapshot.models?.get(name);
    if (model === undefined) return;
    const changed = await deployments.check(model, new AbortController().signal);
    if (changed === undefined) return;
    snapshot.redeploy(name, changed);
    await onChange(name);
  }

  function isDue(name: string): boolean {
    const nowMs = clock();
    return nowMs - Math.max(deployments.checkedMs(name), triedMs.get(name) ?? Number.NEGATIVE_INFINITY) >= everyMs;
  }

  return {
    use: name => void usedMs.set(name, clock()),
    due() {
      const waits: Promise<void>[] = [];
      for (const [name, atMs] of usedMs) {
        if (clock() - atMs > KEPT_MS || !snapshot.models?.has(name)) {
          usedMs.delete(name);
          triedMs.delete(name);
          continue;
        }
        let checking = underWay.get(name);
        if (checking === undefined && isDue(name)) {
          checking = check(name).finally(() => underWay.delete(name));
          underWay.set(name, checking);
        }
        if (checking !== undefined) waits.push(checking);
      }
      return waits.length === 0 ? undefined : Promise.all(waits).then(() => {});
    },
  };
}
