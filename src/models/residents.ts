import type { Backend } from '../core/backend.ts';
import { BlobGone } from '../core/blobs.ts';
import { asError, InfrastructureError } from '../core/errors.ts';
import type { Clock, Log } from '../core/log.ts';
import type { ModelVersion } from '../core/model.ts';
import { abortable, withDeadline } from '../core/waiting.ts';
import { createFailures, type Failure } from './failures.ts';
import { BrokenModel } from './load-version.ts';
import { enliven, firstToGo, type Resident, residentOf } from './resident.ts';
import { contentId, modelPath, type StoredVersion } from './store.ts';

/** Told of a load: the version by its label where it was loaded, by its folder where it was not. */
export type OnLoad = (load: {
  readonly model: string;
  readonly version: string;
  readonly durationMs: number;
  readonly failed: boolean;
}) => void;

/** The versions in memory: one load however many ask, failures remembered, the least recently used unloaded when memory runs short. */
export interface Residents {
  /** The loaded version with that content; undefined where it is not in memory. */
  get(stored: StoredVersion): Resident | undefined;
  /** The last good content of a version whose file was replaced. */
  previous(stored: StoredVersion): Resident | undefined;
  /** Why the last load failed, until it is due for another try. */
  failure(stored: StoredVersion): Failure | undefined;
  /** @throws BrokenModel, BlobGone or InfrastructureError. */
  load(stored: StoredVersion): Promise<Resident>;
  /** Something had to go to make room for something else. */
  readonly isCrowded: boolean;
  /** Lets go, save what is in `used`, contents that storage no longer has, what was superseded, and what nobody has asked for in a while; forgets failures. */
  retain(stored: Iterable<StoredVersion>, used: ReadonlySet<Resident>): void;
  /** Versions that are in memory, or on their way there. */
  inUse(): Iterable<StoredVersion>;
  /** Labels by model name. */
  loaded(): ReadonlyMap<string, readonly string[]>;
  close(): Promise<void>;
}

/** What nothing names is kept for so long after a request for it. */
export const KEPT_MS = 300_000;

export function createResidents(options: {
  readonly load: (stored: StoredVersion, signal: AbortSignal, onBrought: () => void) => Promise<ModelVersion>;
  /** Looks whether storage answers; absent: it does. A version that it did not bring in time is broken only where it does. */
  readonly isAway?: () => Promise<boolean>;
  readonly budgetBytes: number;
  readonly loadTimeoutMs: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly onLoad: OnLoad | undefined;
}): Residents {
  const { budgetBytes, loadTimeoutMs, clock, log, onLoad } = options;
  const residents = new Map<string, Resident>();
  const failures = createFailures(clock);
  const loads = new Map<string, { readonly stored: StoredVersion; readonly work: Promise<Resident> }>();
  const closings = new Set<Promise<void>>();
  const stopping = new AbortController();
  let isCrowded = false;

  async function open(stored: StoredVersion): Promise<Resident> {
    const id = contentId(stored);
    const start = clock();
    try {
      const loaded = await withTimeout(stored);
      if (stopping.signal.aborted) {
        await loaded.backend.close();
        throw new InfrastructureError('closing');
      }
      failures.delete(id);
      const resident = residents.get(id) ?? residentOf(stored, loaded, clock, reload);
      residents.set(id, resident);
      enliven(resident, loaded, clock());
      onLoad?.({ model: stored.name, version: loaded.label, durationMs: clock() - start, failed: false });
      const { placement, warmUpMs, maxBatchSize } = loaded.backend.info;
      log.info(
        `${stored.name} ${loaded.label} loaded in ${clock() - start} ms: ${placement}, ${warmUpMs.toFixed(2)} ms a slice of ` +
          `${maxBatchSize}, about ${Math.ceil(resident.memoryBytes / 1e6)} MB`,
      );
      makeRoom(resident);
      return resident;
    } catch (thrown) {
      onLoad?.({ model: stored.name, version: stored.version, durationMs: clock() - start, failed: true });
      const broken = thrown instanceof BlobGone ? failures.ofGone(id, thrown) : thrown;
      if (!(broken instanceof BrokenModel)) throw thrown;
      if (failures.add(id, broken)) log.error(`${broken.message}; this version does not serve`);
      throw broken;
    }
  }

  /** A load that takes too long is given up; what it still brings is freed. */
  function withTimeout(stored: StoredVersion): Promise<ModelVersion> {
    return withDeadline(loadTimeoutMs, stopping.signal, async signal => {
      let isBrought = false;
      const work = options.load(stored, signal, () => {
        isBrought = true;
      });
      try {
        return await abortable(work, signal);
      } catch (thrown) {
        work.then(version => version.backend.close()).catch(() => {});
        if (!signal.aborted) throw thrown;
        if (stopping.signal.aborted) throw new InfrastructureError('closing', { cause: thrown });
        const message = `${modelPath(stored)}: not loaded within ${loadTimeoutMs / 1000} s`;
        if (!isBrought && (await options.isAway?.()))
          throw new InfrastructureError(`${message}, and storage does not answer`, { cause: thrown });
        throw new BrokenModel(message, undefined, { cause: thrown });
      }
    });
  }

  async function reload({ stored, version }: Resident): Promise<Backend> {
    try {
      return (await load(stored)).live!;
    } catch (thrown) {
      // Not the instances' fault: the batch is tried again, and its route then says what is wrong.
      throw new InfrastructureError(`loading ${version.name} again: ${asError(thrown).message}`, { cause: thrown });
    }
  }

  const inMemory = () => [...residents.values()].filter(resident => resident.live);
  const loadedBytes = () => inMemory().reduce((sum, { memoryBytes }) => sum + memoryBytes, 0);

  function makeRoom(latest: Resident): void {
    let total = loadedBytes();
    for (const resident of inMemory().sort(firstToGo)) {
      if (total <= budgetBytes) return;
      if (resident === latest || resident.running > 0 || resident.memoryBytes === 0) continue; // a server's, an ensemble's: nothing to gain
      total -= resident.memoryBytes;
      isCrowded = true;
      log.info(
        `${resident.version.name} ${resident.version.label} unloaded to make room for ${latest.version.name} ${latest.version.label}`,
      );
      unload(resident);
    }
    if (total > budgetBytes) {
      log.warn(
        `models in use take about ${Math.ceil(total / 1e6)} MB, more than MODEL_MEMORY_MB allows (${Math.floor(budgetBytes / 1e6)} MB)`,
      );
    }
  }

  function unload(resident: Resident): void {
    const closing = resident
      .live!.close()
      .catch(thrown => log.warn(`unloading ${resident.version.name}: ${asError(thrown).message}`));
    resident.live = undefined;
    closings.add(closing);
    void closing.then(() => closings.delete(closing));
  }

  function load(stored: StoredVersion): Promise<Resident> {
    const id = contentId(stored);
    const resident = residents.get(id);
    if (resident?.live) return Promise.resolve(resident);
    const underWay = loads.get(id);
    if (underWay) return underWay.work;
    const work = open(stored).finally(() => loads.delete(id));
    loads.set(id, { stored, work });
    return work;
  }

  return {
    load,
    get isCrowded() {
      return isCrowded;
    },
    get(stored) {
      const resident = residents.get(contentId(stored));
      return resident?.live ? resident : undefined;
    },
    previous(stored) {
      let best: Resident | undefined;
      for (const resident of residents.values()) {
        const same = resident.stored.name === stored.name && resident.stored.version === stored.version;
        if (same && resident.live && (!best || resident.lastUsedMs > best.lastUsedMs)) best = resident;
      }
      return best;
    },
    failure: stored => failures.get(contentId(stored)),
    retain(stored, used) {
      const ids = new Set([...stored].map(contentId));
      failures.retain(ids);
      for (const [id, resident] of residents) {
        if (used.has(resident) || resident.running > 0) continue;
        const isIdle = clock() - resident.lastUsedMs > KEPT_MS;
        if (ids.has(id) && !resident.superseded && !isIdle) continue;
        if (resident.live) {
          log.info(`${resident.version.name} ${resident.version.label} unloaded: nothing asks for it any more`);
          unload(resident);
        }
        residents.delete(id);
      }
    },
    inUse: () => [...inMemory(), ...loads.values()].map(({ stored }) => stored),
    loaded() {
      const labels = new Map<string, string[]>();
      for (const { version } of inMemory())
        labels.set(version.name, [...(labels.get(version.name) ?? []), version.label]);
      return labels;
    },
    async close() {
      stopping.abort(new Error('closing'));
      await Promise.allSettled([...loads.values()].map(({ work }) => work));
      for (const resident of residents.values()) if (resident.live) unload(resident);
      await Promise.allSettled(closings);
    },
  };
}
