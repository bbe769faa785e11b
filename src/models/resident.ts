import type { Backend } from '../core/backend.ts';
import type { Clock } from '../core/log.ts';
import type { ModelVersion } from '../core/model.ts';
import type { StoredVersion } from './store.ts';

/** A version that was loaded; unloaded, it keeps its identity and comes back on its next use. */
export interface Resident {
  readonly stored: StoredVersion;
  readonly version: ModelVersion;
  /** Undefined while it is unloaded. */
  live: Backend | undefined;
  /** What it holds while it is loaded. */
  memoryBytes: number;
  lastUsedMs: number;
  /** Another took over from it, and nobody has asked for it since. */
  superseded: boolean;
  running: number;
}

/** @param bringBack loads it again */
export function residentOf(
  stored: StoredVersion,
  loaded: ModelVersion,
  clock: Clock,
  bringBack: (resident: Resident) => Promise<Backend>,
): Resident {
  const { info } = loaded.backend;
  /** What scoring holds: counts running slices, and brings the model back where it was unloaded between route and predict. */
  const backend: Backend = {
    info,
    get status() {
      return resident.live?.status;
    },
    async load() {
      return info;
    },
    async predict(inputs, predictOptions) {
      resident.running++;
      resident.lastUsedMs = clock();
      try {
        return await (resident.live ?? (await bringBack(resident))).predict(inputs, predictOptions);
      } finally {
        resident.running--;
      }
    },
    async close() {}, // the catalog's to close
  };
  const resident: Resident = {
    stored,
    version: { ...loaded, backend },
    live: undefined,
    memoryBytes: 0,
    lastUsedMs: 0,
    superseded: false,
    running: 0,
  };
  return resident;
}

/** It is in memory from now on. */
export function enliven(resident: Resident, loaded: ModelVersion, nowMs: number): void {
  resident.live = loaded.backend;
  resident.memoryBytes = memoryOf(loaded);
  resident.lastUsedMs = nowMs;
  resident.superseded = false;
}

/** The one place where the memory of a version comes from. */
function memoryOf({ backend }: ModelVersion): number {
  return backend.info.memoryBytes;
}

/** Sorts those first that are missed least. */
export function firstToGo(one: Resident, other: Resident): number {
  return Number(other.superseded) - Number(one.superseded) || one.lastUsedMs - other.lastUsedMs;
}
