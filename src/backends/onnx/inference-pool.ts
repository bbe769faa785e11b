import { type PredictOptions, RunLost, WaitedTooLong } from '../../core/backend.ts';
import { asError, InfrastructureError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { Tensors } from '../../core/tensor.ts';
import { ChildLost } from '../../processes/child.ts';
import { createTaskQueue } from '../task-queue.ts';
import type { Engine } from './engine.ts';
import { createFadingSum } from './fading-sum.ts';
import type { LoadedModel } from './inference-protocol.ts';
import { createInferenceWorker, type InferenceWorker } from './inference-worker.ts';
import type { OnnxSource } from './onnx-source.ts';

/**
 * Processes for models that are slow, or that an input can keep at work for ever, started when the first one comes. Each opens a model before its first slice there; slices go to whichever is free.
 * One that is at a slice for far too long is left to it, and another takes its place for the other models meanwhile.
 */
export interface InferencePool {
  /** Opens a model in every process. */
  open(source: OnnxSource): Promise<Engine>;
  /** Share of the processes' time that slices took, 0–1, over about the last ten seconds. */
  readonly load: number;
  /** Waits for what runs, then lets the processes end. */
  close(): Promise<void>;
}

/** What a slice, and the opening of a model, may take. */
export interface RunLimits {
  /** INFERENCE_TIMEOUT_SECONDS */
  readonly timeoutMs: number;
  /** INFERENCE_MEMORY_MB: by how much a slice may make its process grow. */
  readonly growBytes: number;
  /** MODEL_LOAD_TIMEOUT_SECONDS */
  readonly loadTimeoutMs: number;
}

export interface InferencePoolOptions {
  /** Processes at once, beside those that are at one slice for too long. */
  readonly size: number;
  readonly log: Log;
  readonly limits: RunLimits;
  /** Absent: `inference-process`. */
  readonly script?: URL;
}

interface Model {
  readonly number: number;
  readonly source: OnnxSource;
  /** Measured; undefined while it is being tried. */
  sliceMs: number | undefined;
  /** A slice of it takes far too long at this moment: no other is begun. */
  overdue: boolean;
}

interface Slice {
  readonly model: Model;
  readonly inputs: Tensors;
  /** On `performance.now`'s clock; one not begun by then is given up. */
  readonly beginBy: number;
  /** How often it was taken up; what comes of an earlier turn than the last is not waited for. */
  turn: number;
  resolve(outputs: Tensors): void;
  reject(error: Error): void;
}

interface Slot {
  worker: InferenceWorker | undefined;
  /** Loading and unloading, in turn: they belong to this process, and go before slices. */
  readonly errands: Errand[];
  /** Slices that it was given, the first of which it is at. */
  readonly given: Slice[];
  /** When it last had nothing to do, on `performance.now`'s clock. */
  idleAt: number;
  overdue: boolean;
}

type Errand = (worker: InferenceWorker) => Promise<unknown>;

/** Every partition waits for its own slices, so a queue this long means that far more is asked than can ever be done. */
const LONGEST_QUEUE = 4096;
/** What happened this long ago counts a third. */
const LOAD_WINDOW_MS = 10_000;
/** A slice may take this many times what was measured, and no less than that long: a busy machine is no runaway. */
const PATIENCE = { times: 100, leastMs: 2_000 };
/** A slice this late is suspect, though not yet given up. */
const SUSPICION = { times: 10, leastMs: 250 };
/** Processes that may be at a slice for too long at once, each of which takes a core and memory. */
const MOST_OVERDUE = 4;
const SCRIPT = new URL(
  import.meta.url.endsWith('.ts') ? './inference-process.ts' : './inference-process.js',
  import.meta.url,
);

export function createInferencePool(options: InferencePoolOptions): InferencePool {
  const { size, log, limits, script = SCRIPT } = options;
  const { timeoutMs, growBytes, loadTimeoutMs } = limits;
  const slots: Slot[] = Array.from({ length: size }, newSlot);
  const queue = createTaskQueue<Slice>();
  const work = createFadingSum(LOAD_WINDOW_MS);
  let lastModel = 0;
  let closed = false;

  const limitsOf = ({ sliceMs }: Model) => ({
    timeMs: Math.min(timeoutMs, Math.max(PATIENCE.leastMs, PATIENCE.times * (sliceMs ?? Number.POSITIVE_INFINITY))),
    growBytes,
  });

  /**
   * Every process gets something to do, then one slice more to lie ready: without it a process stands still between two slices until
   * this one has read its answer and woken it again.
   */
  function dispatch(): void {
    for (const slot of [...slots]) if (!slot.overdue && pendingAt(slot) === 0) give(slot);
    for (const slot of slots) if (!slot.overdue && slot.errands.length === 0 && slot.given.length === 1) give(slot);
  }

  function give(slot: Slot): void {
    const slice = slot.errands.length > 0 ? undefined : nextSlice();
    if (slot.errands.length === 0 && !slice) return;
    if (!slot.worker?.alive) slot.worker = createInferenceWorker(script, { loadTimeoutMs });
    const { worker } = slot;
    if (worker.pending === 0) slot.idleAt = performance.now();
    if (slice) void runSlice(slice, slot, worker);
    else void (slot.errands.shift() as Errand)(worker).finally(dispatch);
  }

  async function runSlice(slice: Slice, slot: Slot, worker: InferenceWorker): Promise<void> {
    const { model, inputs } = slice;
    const turn = ++slice.turn;
    const opened = worker.holds(model.number);
    slot.given.push(slice);
    if (slot.given.length === 1) suspect(slot, opened);
    try {
      slice.resolve(await worker.run(model.number, model.source, inputs, limitsOf(model)));
    } catch (thrown) {
      if (slice.turn === turn) fail(slice, thrown);
    }
    slot.given.shift();
    if (slot.overdue) {
      slot.overdue = false;
      model.overdue = false;
    }
    const now = performance.now();
    work.add(now - slot.idleAt);
    slot.idleAt = now;
    if (slot.given.length > 0) suspect(slot, true);
    retireSpare(slot);
    dispatch();
  }

  function fail(slice: Slice, thrown: unknown): void {
    if (!(thrown instanceof ChildLost)) {
      slice.reject(asError(thrown));
      return;
    }
    if (!thrown.begun) {
      queue.push(slice, Number.NEGATIVE_INFINITY);
      return;
    }
    const message = `${thrown.message}, at ${slice.model.source.title}`;
    log.error(`${message}; another takes its place`);
    slice.reject(new RunLost(message, thrown.loss, { cause: thrown }));
  }

  /** Watches the slice that a process has just begun. Where it takes far too long, what lies ready behind it goes elsewhere, and another process takes the place. */
  function suspect(slot: Slot, opened: boolean): void {
    const [slice] = slot.given as [Slice];
    const { model, turn } = slice;
    const lateMs = Math.max(SUSPICION.leastMs, SUSPICION.times * (model.sliceMs ?? SUSPICION.leastMs));
    const timer = setTimeout(
      () => {
        if (slot.given[0] !== slice || slice.turn !== turn) return;
        if (slots.filter(({ overdue }) => overdue).length >= MOST_OVERDUE) return;
        slot.overdue = true;
        model.overdue = true;
        for (const waiting of slot.given.slice(1)) {
          waiting.turn++;
          queue.push(waiting, Number.NEGATIVE_INFINITY);
        }
        if (slots.filter(({ overdue }) => !overdue).length < size) slots.push(newSlot());
        dispatch();
      },
      lateMs + (opened ? 0 : loadTimeoutMs),
    );
    timer.unref();
  }

  /** A process that was late and is back may be one too many by now. */
  function retireSpare(slot: Slot): void {
    const punctual = slots.filter(({ overdue }) => !overdue);
    if (punctual.length <= size || slot.given.length > 0 || slot.errands.length > 0) return;
    slots.splice(slots.indexOf(slot), 1);
    void slot.worker?.end();
  }

  function nextSlice(): Slice | undefined {
    for (;;) {
      const slice = queue.shift(({ model }) => !model.overdue);
      if (!slice || performance.now() <= slice.beginBy) return slice;
      slice.reject(new WaitedTooLong('no inference process was free in time'));
    }
  }

  function errandFor<T>(slot: Slot, errand: (worker: InferenceWorker) => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      slot.errands.push(worker => errand(worker).then(resolve, reject));
      dispatch();
    });
  }

  function run(model: Model, inputs: Tensors, options: PredictOptions = {}): Promise<Tensors> {
    const { signal, priority = 1, maxWaitMs = Number.POSITIVE_INFINITY } = options;
    return new Promise((resolve, reject) => {
      if (queue.size >= LONGEST_QUEUE) throw new InfrastructureError(`${queue.size} slices wait for inference`);
      const abort = () => {
        withdraw();
        reject(signal!.reason);
      };
      const settle = () => signal?.removeEventListener('abort', abort);
      const withdraw = queue.push(
        {
          model,
          inputs,
          beginBy: performance.now() + maxWaitMs,
          turn: 0,
          resolve(outputs) {
            settle();
            resolve(outputs);
          },
          reject(error) {
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

  async function unload({ number }: Model): Promise<void> {
    const holders = slots.filter(({ worker }) => worker?.alive && worker.holds(number));
    await Promise.allSettled(holders.map(slot => errandFor(slot, worker => worker.unload(number))));
  }

  return {
    async open(source) {
      if (closed) throw new Error('the inference processes have been ended');
      const model: Model = { number: ++lastModel, source, sliceMs: undefined, overdue: false };
      const load = (worker: InferenceWorker) => worker.load(model.number, source);
      const replies = await Promise.allSettled(slots.map(slot => errandFor(slot, load)));
      const failed = replies.find(reply => reply.status === 'rejected');
      if (failed) {
        await unload(model);
        throw failed.reason;
      }
      const loaded = replies.map(reply => (reply as PromiseFulfilledResult<LoadedModel>).value);
      return {
        signature: loaded[0]!.signature,
        provided: loaded[0]!.provided,
        memoryBytes: loaded.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0),
        run: (inputs, predictOptions) => run(model, inputs, predictOptions),
        expect(sliceMs) {
          model.sliceMs = sliceMs;
        },
        release: () => unload(model),
      };
    },
    get load() {
      return size === 0 ? 1 : work.recentMs() / (size * LOAD_WINDOW_MS);
    },
    async close() {
      closed = true;
      for (const slot of slots) if (slot.overdue) slot.worker?.kill();
      await Promise.all(slots.map(slot => slot.worker?.end()));
    },
  };
}

function newSlot(): Slot {
  return { worker: undefined, errands: [], given: [], idleAt: 0, overdue: false };
}

function pendingAt({ worker }: Slot): number {
  return worker?.alive ? worker.pending : 0;
}
