import type { Blobs } from '../../src/core/blobs.ts';
import { createModelStore } from '../../src/models/model-store.ts';
import type { ModelStore } from '../../src/models/store.ts';
import { type MemoryBlobs, memoryBlobs } from './memory-blobs.ts';

/** A model store in memory, with the handles of the blobs that it is made of. */
export type MemoryStore = ModelStore & Omit<MemoryBlobs, keyof Blobs>;

export function memoryStore(): MemoryStore {
  const blobs = memoryBlobs();
  return {
    ...createModelStore(blobs),
    put: blobs.put,
    remove: blobs.remove,
    breakOffAfter: blobs.breakOffAfter,
    asked: blobs.asked,
    get away() {
      return blobs.away;
    },
    set away(away) {
      blobs.away = away;
    },
    faults: blobs.faults,
    get missing() {
      return blobs.missing;
    },
    set missing(missing) {
      blobs.missing = missing;
    },
    get gate() {
      return blobs.gate;
    },
    set gate(gate) {
      blobs.gate = gate;
    },
    get listGate() {
      return blobs.listGate;
    },
    set listGate(gate) {
      blobs.listGate = gate;
    },
  };
}
