import { BlobGone } from '../core/blobs.ts';
import { asError, InfrastructureError } from '../core/errors.ts';
import type { Clock, Log } from '../core/log.ts';
import { type Deployment, NO_DEPLOYMENT, parseDeployment } from './deployment.ts';
import { deploymentPath, type Listing, type ModelStore, type StoredModel } from './store.ts';

export interface KnownModel extends StoredModel {
  readonly deployment: Deployment;
}

/** What storage holds, as it was last seen. */
export interface Snapshot {
  /** Undefined until storage was seen for the first time. */
  readonly models: ReadonlyMap<string, KnownModel> | undefined;
  /** Looks at storage; one look however many ask. @throws InfrastructureError where storage is away: what was seen last stays. */
  look(): Promise<void>;
  /**
   * Looks again because something asked for is not known: it may just have been put there. At most a few times at once and
   * one time every two seconds, so that a flood of unknown names does not become a flood of listings. Never throws.
   */
  lookAgain(): Promise<void>;
}

const BURST = 5;
const REFILL_MS = 2_000;
const LOOK_TIMEOUT_MS = 15_000;

export function createSnapshot(store: ModelStore, clock: Clock, log: Log): Snapshot {
  let models: ReadonlyMap<string, KnownModel> | undefined;
  let looking: Promise<void> | undefined;
  let said = new Set<string>();
  let tokens = BURST;
  let refilledMs = clock();

  async function update(): Promise<void> {
    const signal = AbortSignal.timeout(LOOK_TIMEOUT_MS);
    let listing: Listing;
    try {
      listing = await store.list(signal);
    } catch (thrown) {
      throw signal.aborted ? new InfrastructureError('listing models: timed out', { cause: thrown }) : thrown;
    }
    say(listing.ignored);
    const seen = new Map<string, KnownModel>();
    for (const model of listing.models.values()) {
      seen.set(model.name, { ...model, deployment: await deploymentOf(model, signal) });
    }
    models = seen;
  }

  /** Each thing once, not at every look. */
  function say(ignored: readonly string[]): void {
    for (const words of ignored) if (!said.has(words)) log.warn(words);
    said = new Set(ignored);
  }

  /** A broken deployment.json changes nothing: the last good one stays. */
  async function deploymentOf(model: StoredModel, signal: AbortSignal): Promise<Deployment> {
    const before = models?.get(model.name);
    if (model.deploymentEtag === undefined) return NO_DEPLOYMENT;
    if (before?.deploymentEtag === model.deploymentEtag) return before.deployment;
    const path = deploymentPath(model.name);
    const last = before?.deployment ?? NO_DEPLOYMENT;
    let text: string;
    try {
      ({ text } = await store.readText(path, signal));
    } catch (thrown) {
      if (thrown instanceof BlobGone) return last;
      throw thrown;
    }
    try {
      const deployment = parseDeployment(text, path);
      for (const [alias, version] of deployment.aliases) {
        if (!model.versions.has(version)) log.warn(`${path}: alias ${alias} names ${version}, which is not there`);
      }
      return deployment;
    } catch (thrown) {
      log.error(`${asError(thrown).message}; ${before ? 'what it said before stays in force' : 'it is ignored'}`);
      return last;
    }
  }

  function look(): Promise<void> {
    looking ??= update().finally(() => {
      looking = undefined;
    });
    return looking;
  }

  return {
    get models() {
      return models;
    },
    look,
    async lookAgain() {
      const nowMs = clock();
      tokens = Math.min(BURST, tokens + (nowMs - refilledMs) / REFILL_MS);
      refilledMs = nowMs;
      if (tokens < 1) return;
      tokens -= 1;
      try {
        await look();
      } catch (thrown) {
        tokens = 1 - BURST; // storage is away: leave it alone for a while
        log.warn(`${asError(thrown).message}; going by what was seen before`);
      }
    },
  };
}
