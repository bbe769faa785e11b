import { type PredictOptions, WaitedTooLong } from '../../core/backend.ts';
import { asError, InfrastructureError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { Tensors } from '../../core/tensor.ts';
import { createTaskQueue } from '../task-queue.ts';
import type { Engine } from './engine.ts';
import type { OnnxSource } from './onnx-source.ts';
import { type PoolWorker, startWorker, WorkerLost } from './pool-worker.ts';
import type { LoadedModel, WorkerReply, WorkerRequest } from './worker-protocol.ts';

/** Threads for heavy models, started when the first one comes. Each holds every model; slices go to whichever is free. */
export interface WorkerPool {
  /** Opens a model in every thread. */
  open(source: OnnxSource): Promise<Engine>;
  /** Share of the threads' time that slices took, 0–1, over about the last ten seconds. */
  readonly load: number;
  /** Waits for what runs, then lets the threads end. */
  close(): Promise<void>;
}

interface Slot {
  worker: PoolWorker | undefined;
  /** When it last had nothing to do, on `performance.now`'s clock. */
  idleAt: number;
  /** Loading and unloading, in turn: they belong to this thread, and go before slices. */
  readonly errands: Errand[];
}

interface Errand {
  readonly request: Exclude<WorkerRequest, { kind: 'end' }>;
  /** On `performance.now`'s clock; a slice not begun by then is given up. */
  readonly beginBy?: number;
  resolve(reply: WorkerReply): void;
  reject(error: Error): void;
}

/** Every partition waits for its own slices, so a queue this long means that far more is asked than can ever be done. */
const LONGEST_QUEUE = 4096;
/** What happened this long ago counts a third. */
const LOAD_WINDOW_MS = 10_000;
const WORKER_URL = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url);

export function createWorkerPool(options: {
  readonly size: number;
  readonly log: Log;
  readonly url?: URL;
}): WorkerPool {
  const { size, log, url = WORKER_URL } = options;
  const slots: Slot[] = Array.from({ length: size }, () => ({ worker: undefined, idleAt: 0, errands: [] }));
  const queue = createTaskQueue<Errand>();
  const models = new Map<number, OnnxSource>();
  const work = createFadingSum(LOAD_WINDOW_MS);
  let lastModel = 0;
  let closed = false;

  /** A thread that was lost comes back when there is work, with the models that the others have. */
  function revive(slot: Slot): PoolWorker {
    slot.worker = startWorker(url);
    for (const [model, source] of models) {
      slot.errands.unshift({
        request: loadRequest(model, source),
        resolve: () => {},
        reject: error => log.error(`${source.title}: not loaded into a new worker thread: ${error.message}`),
      });
    }
    return slot.worker;
  }

  /**
   * Every thread gets something to do, then one slice more to lie ready: without it a thread stands still between two slices until
   * this one has read its answer and woken it again.
   */
  function dispatch(): void {
    for (const slot of slots) {
      if (pendingAt(slot) > 0 || (slot.errands.length === 0 && queue.size === 0)) continue;
      if (!slot.worker?.alive) revive(slot);
      const errand = slot.errands.shift() ?? nextSlice();
      if (errand) give(errand, slot);
    }
    for (const slot of slots) {
      if (slot.errands.length > 0 || pendingAt(slot) !== 1) continue;
      const slice = nextSlice();
      if (slice) give(slice, slot);
    }
  }

  function give(errand: Errand, slot: Slot): void {
    const worker = slot.worker as PoolWorker;
    if (worker.pending === 0) slot.idleAt = performance.now();
    worker
      .ask(errand.request)
      .then(errand.resolve, thrown => {
        if (thrown instanceof WorkerLost) {
          if (!thrown.begun && errand.request.kind === 'run') {
            queue.push(errand, Number.NEGATIVE_INFINITY);
            return;
          }
          log.error(`${thrown.message}; another takes its place`);
        }
        errand.reject(asError(thrown));
      })
      .finally(() => {
        const now = performance.now();
        if (errand.request.kind === 'run') work.add(now - slot.idleAt);
        slot.idleAt = now;
        dispatch();
      });
  }

  function nextSlice(): Errand | undefined {
    for (let slice = queue.shift(); slice; slice = queue.shift()) {
      if (performance.now() <= (slice.beginBy as number)) return slice;
      slice.reject(new WaitedTooLong('no worker thread was free in time'));
    }
    return undefined;
  }

  function errandFor(slot: Slot, request: Errand['request']): Promise<WorkerReply> {
    return new Promise((resolve, reject) => {
      slot.errands.push({ request, resolve, reject });
      dispatch();
    });
  }

  function run(model: number, inputs: Tensors, options: PredictOptions = {}): Promise<Tensors> {
    const { signal, priority = 1, maxWaitMs = Number.POSITIVE_INFINITY } = options;
    return new Promise((resolve, reject) => {
      if (queue.size >= LONGEST_QUEUE) throw new InfrastructureError(`${queue.size} slices wait for a worker thread`);
      const abort = () => {
        withdraw();
        reject(signal!.reason);
      };
      const settle = () => signal?.removeEventListener('abort', abort);
      const withdraw = queue.push(
        {
          request: { kind: 'run', model, inputs },
          beginBy: performance.now() + maxWaitMs,
          resolve: reply => {
            settle();
            resolve((reply as Extract<WorkerReply, { kind: 'ran' }>).outputs);
          },
          reject: error => {
            settle();
            reject(error);
          },
        },
        priority,
      );
      signal?.addEventListener('abort', abort, { once: true });
      dispatch();
    });
  }

  async function unload(model: number): Promise<void> {
    models.delete(model);
    const holders = slots.filter(slot => slot.worker?.alive);
    await Promise.allSettled(holders.map(slot => errandFor(slot, { kind: 'unload', model })));
  }

  return {
    async open(source) {
      if (closed) throw new Error('the worker threads have been ended');
      const model = ++lastModel;
      const replies = await Promise.allSettled(slots.map(slot => errandFor(slot, loadRequest(model, source))));
      const failed = replies.find(reply => reply.status === 'rejected');
      if (failed) {
        await unload(model);
        throw failed.reason;
      }
      models.set(model, source);
      const loaded = replies.map(reply => (reply as PromiseFulfilledResult<{ model: LoadedModel }>).value.model);
      return {
        signature: loaded[0]!.signature,
        memoryBytes: loaded.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0),
        run: (inputs, predictOptions) => run(model, inputs, predictOptions),
        release: () => unload(model),
      };
    },
    get load() {
      return size === 0 ? 1 : work.recentMs() / (size * LOAD_WINDOW_MS);
    },
    async close() {
      closed = true;
      await Promise.all(slots.map(slot => slot.worker?.end()));
    },
  };
}

/** A sum whose parts fade with their age. */
function createFadingSum(windowMs: number) {
  let sum = 0;
  let at = performance.now();
  const recentMs = () => {
    const now = performance.now();
    sum *= Math.exp((at - now) / windowMs);
    at = now;
    return sum;
  };
  return {
    recentMs,
    add(ms: number) {
      sum = recentMs() + ms;
    },
  };
}

function pendingAt({ worker }: Slot): number {
  return worker?.alive ? worker.pending : 0;
}

function loadRequest(model: number, source: OnnxSource): Errand['request'] {
  const { file, bytes, wishes } = source;
  return { kind: 'load', model, file, bytes, intraOpThreads: wishes?.intraOpThreads };
}
