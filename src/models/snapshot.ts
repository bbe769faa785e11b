import { setImmediate, setTimeout } from 'node:timers/promises';
import { asError, InfrastructureError } from '../core/errors.ts';
import type { Clock, Log } from '../core/log.ts';
import type { Deployed, Deployments } from './deployments.ts';
import type { Listing, ModelStore, StoredModel } from './store.ts';

export interface KnownModel extends StoredModel {
  readonly deployed: Deployed;
}

/** What storage holds, as it was last seen. */
export interface Snapshot {
  /** Undefined until storage was seen for the first time. */
  readonly models: ReadonlyMap<string, KnownModel> | undefined;
  /** Looks at storage; one look however many ask. @throws InfrastructureError where storage is away: what was seen last stays. */
  look(): Promise<void>;
  /**
   * Looks because something asked for is not known: it may just have been put there. The look begins after this call, is shared by all who call before it
   * begins, and begins a second after the one before, so that a flood of unknown names does not become a flood of listings.
   * @returns the number of the look @throws InfrastructureError where storage is away.
   */
  lookAgain(): Promise<number>;
  /** A model's deployment.json was seen to have changed, between two looks. */
  redeploy(name: string, deployed: Deployed): void;
  /** The last look failed, a moment ago. */
  readonly away: boolean;
  /** Why the last look failed; undefined where it did not. */
  readonly failure: Error | undefined;
  /** When a look last succeeded. */
  readonly seenMs: number;
}

/** Waits; an argument, so that tests never do. */
export type Sleep = (ms: number) => Promise<unknown>;

const BETWEEN_LOOKS_MS = 1_000;
const LEFT_ALONE_MS = 10_000;
const LOOK_TIMEOUT_MS = 15_000;

export function createSnapshot(
  store: Pick<ModelStore, 'list'>,
  deployments: Deployments,
  clock: Clock,
  log: Log,
  sleep: Sleep = setTimeout,
): Snapshot {
  let models: ReadonlyMap<string, KnownModel> | undefined;
  let looking: Promise<void> | undefined;
  let said = new Set<string>();
  /** The one that is waiting for its second to come. */
  let next: Promise<number> | undefined;
  let looks = 0;
  let beganMs = Number.NEGATIVE_INFINITY;
  let failedMs = Number.NEGATIVE_INFINITY;
  let failure: Error | undefined;
  let seenMs = Number.NEGATIVE_INFINITY;

  async function update(): Promise<void> {
    const signal = AbortSignal.timeout(LOOK_TIMEOUT_MS);
    let listing: Listing;
    try {
      listing = await store.list(signal);
    } catch (thrown) {
      throw signal.aborted ? new InfrastructureError('listing models: timed out', { cause: thrown }) : thrown;
    }
    // Whoever removes a container with all its models means to have another, or is mistaken; a gateway that answers so is.
    if (listing.missing && models?.size) {
      throw new InfrastructureError('listing models: the container, which held some, is not there any more');
    }
    say(listing.ignored);
    const deployed = await deployments.read(listing.models.values(), signal, beganMs);
    models = new Map(
      [...listing.models.values()].map(model => [model.name, { ...model, deployed: deployed.get(model.name)! }]),
    );
  }

  /** Each thing once, not at every look. */
  function say(ignored: readonly string[]): void {
    for (const words of ignored) if (!said.has(words)) log.warn(`listing models: ${words}`);
    said = new Set(ignored);
  }

  function look(): Promise<void> {
    looking ??= begin().finally(() => {
      looking = undefined;
    });
    return looking;
  }

  async function begin(): Promise<void> {
    looks++;
    beganMs = clock();
    try {
      await update();
      seenMs = clock();
      failure = undefined;
      failedMs = Number.NEGATIVE_INFINITY;
    } catch (thrown) {
      failedMs = clock();
      failure = asError(thrown);
      throw thrown;
    }
  }

  async function lookNext(): Promise<number> {
    // A batch asks for a name more than once, all in one turn.
    await setImmediate();
    const restMs = beganMs + BETWEEN_LOOKS_MS - clock();
    if (restMs > 0) await sleep(Math.min(restMs, BETWEEN_LOOKS_MS));
    // What is under way began before some who wait here have asked.
    while (looking) await looking.catch(() => {});
    next = undefined;
    const looked = look();
    const number = looks;
    try {
      await looked;
    } catch (thrown) {
      log.warn(`${asError(thrown).message}; going by what was seen before`);
      throw thrown;
    }
    return number;
  }

  return {
    redeploy(name, deployed) {
      const model = models?.get(name);
      if (model) models = new Map(models).set(name, { ...model, deployed });
    },
    get models() {
      return models;
    },
    get away() {
      return clock() - failedMs < LEFT_ALONE_MS;
    },
    get failure() {
      return failure;
    },
    get seenMs() {
      return seenMs;
    },
    look,
    lookAgain() {
      next ??= lookNext();
      return next;
    },
  };
}
