import { type Backend, type PredictOptions, WaitedTooLong } from '../core/backend.ts';
import { InfrastructureError, RequestError } from '../core/errors.ts';
import type { TensorSpec, Tensors } from '../core/tensor.ts';
import { concat, formOf, rowsOf, split } from './merge-tensors.ts';
import { createTaskQueue } from './task-queue.ts';

export interface MicroBatcherOptions {
  /** Runs of the backend at once: as many as it has processes. What comes while all are under way waits, and shares the next run. */
  readonly runs: number;
  /** So many more may lie ready behind those under way; absent: one for each. 0 for a server, which would begin them at once. */
  readonly ahead?: number;
  /** How long rows wait for others although a run is free; 0: not at all. */
  readonly maxQueueDelayMs: number;
  /** Slices that may wait; more are refused. */
  readonly maxWaiting?: number;
}

interface Slice {
  readonly inputs: Tensors;
  readonly rows: number;
  readonly form: string;
  readonly priority: number;
  readonly signal: AbortSignal | undefined;
  /** On `performance.now`'s clock. */
  readonly beginBy: number;
  resolve(outputs: Tensors): void;
  reject(reason: unknown): void;
}

/** Every partition waits for its own slices, so a queue this long means that far more is asked than can ever be done. */
const LONGEST_QUEUE = 4096;

/** Whether an output can have a row for each of the input's. One that begins with as many as there are labels cannot; those of LightGBM say 1 and give a row each. */
function isByRow({ dims: [first] }: TensorSpec): boolean {
  return typeof first !== 'number' || first <= 1;
}

/**
 * Puts slices that wait, of whatever partitions, together into runs of up to the backend's batch size: a heavy model takes hardly longer for 16
 * rows than for one. The most urgent go first; each caller gets its own rows back, in their order. A run that fails is
 * done again slice by slice, so that nobody's bad row fails another's.
 */
export function createMicroBatcher(backend: Backend, options: MicroBatcherOptions): Backend {
  const { runs, maxQueueDelayMs, ahead = runs, maxWaiting = LONGEST_QUEUE } = options;
  const queue = createTaskQueue<Slice>();
  let waitingRows = 0;
  let running = 0;
  let mergeable = true;
  let alone = 0;
  /** Rows have waited for others long enough. */
  let ripe = maxQueueDelayMs === 0;
  let ripening: NodeJS.Timeout | undefined;
  let closing: Promise<void> | undefined;
  let idle: (() => void) | undefined;

  function dispatch(): void {
    while (queue.size > 0 && isFree() && (ripe || closing || waitingRows >= backend.info.maxBatchSize)) {
      const slices = nextSlices();
      if (slices.length > 0) void run(slices);
    }
    if (queue.size === 0) {
      clearTimeout(ripening);
      ripening = undefined;
      ripe = maxQueueDelayMs === 0;
      if (running === 0) idle?.();
    } else if (!ripe) {
      ripening ??= setTimeout(() => {
        ripe = true;
        dispatch();
      }, maxQueueDelayMs);
    }
  }

  /** One run more for each is handed over to lie ready behind it, if it is so full already that waiting for others would gain little. */
  function isFree(): boolean {
    return running < runs || (running < runs + ahead && 2 * waitingRows > backend.info.maxBatchSize);
  }

  /** The most urgent slice that waits, and what fits beside it. */
  function nextSlices(): Slice[] {
    const now = performance.now();
    const { maxBatchSize, signature } = backend.info;
    const together = mergeable && signature.outputs.every(isByRow);
    const late: Slice[] = [];
    let form: string | undefined;
    let rows = 0;
    const taken = queue.take(slice => {
      if (slice.beginBy < now) return late.push(slice) > 0;
      const fits = form === undefined || (together && slice.form === form && rows + slice.rows <= maxBatchSize);
      if (!fits) return false;
      form = slice.form;
      rows += slice.rows;
      return true;
    });
    for (const { rows } of taken) waitingRows -= rows;
    for (const slice of late) slice.reject(new WaitedTooLong('the model was busy for too long'));
    return late.length === 0 ? taken : taken.filter(slice => !late.includes(slice));
  }

  /** Frees the run before its slices are answered: the model begins the next one while their callers go on. */
  async function run(slices: readonly Slice[]): Promise<void> {
    running++;
    const answer = await (slices.length === 1 ? runAlone(slices[0] as Slice) : runTogether(slices));
    running--;
    dispatch();
    answer();
  }

  function runAlone(slice: Slice): Promise<() => void> {
    const { inputs, signal, priority } = slice;
    return backend.predict(inputs, { signal, priority, maxWaitMs: remaining(slice) }).then(
      outputs => () => slice.resolve(outputs),
      thrown => () => slice.reject(thrown),
    );
  }

  async function runTogether(slices: readonly Slice[]): Promise<() => void> {
    const priority = Math.min(...slices.map(slice => slice.priority));
    const maxWaitMs = Math.min(...slices.map(remaining));
    const each = (act: (slice: Slice, i: number) => void) => () => slices.forEach(act);
    try {
      const outputs = await backend.predict(concat(slices.map(({ inputs }) => inputs)), { priority, maxWaitMs });
      const rows = slices.map(slice => slice.rows);
      const parts = split(outputs, rows);
      if (parts) return each((slice, i) => slice.resolve(parts[i] as Tensors));
      mergeable = false; // its outputs are not one a row
    } catch (thrown) {
      // What cannot be had at all is not asked for once more by each.
      if (thrown instanceof WaitedTooLong || thrown instanceof InfrastructureError || thrown instanceof RequestError) {
        return each(slice => slice.reject(thrown));
      }
    }
    const answers: (() => void)[] = [];
    for (const slice of slices) answers.push(await runAlone(slice));
    return each((_, i) => answers[i]?.());
  }

  function predict(inputs: Tensors, options: PredictOptions = {}): Promise<Tensors> {
    const { signal, priority = 1, maxWaitMs = Number.POSITIVE_INFINITY } = options;
    return new Promise((resolve, reject) => {
      if (closing) throw new Error('closed');
      signal?.throwIfAborted();
      const rows = rowsOf(inputs);
      if (queue.size >= maxWaiting) throw new InfrastructureError(`${queue.size} slices wait for the model`);
      const form = options.alone ? `alone ${++alone}` : formOf(inputs);
      const beginBy = performance.now() + maxWaitMs;
      const settle = () => signal?.removeEventListener('abort', abort);
      const withdraw = queue.push(
        {
          ...{ inputs, rows, form, priority, signal, beginBy },
          resolve(outputs) {
            settle();
            resolve(outputs);
          },
          reject(reason) {
            settle();
            reject(reason);
          },
        },
        priority,
      );
      function abort() {
        if (withdraw()) waitingRows -= rows;
        reject(signal?.reason); // at once, although a run that it is in goes on for the others
      }
      signal?.addEventListener('abort', abort, { once: true });
      waitingRows += rows;
      dispatch();
    });
  }

  return {
    load: () => backend.load(),
    async predict(inputs, options) {
      return takesAnyBatch(backend) ? predict(inputs, options) : backend.predict(inputs, options);
    },
    get info() {
      return backend.info;
    },
    get status() {
      return backend.status;
    },
    close() {
      closing ??= (async () => {
        const ended = new Promise<void>(resolve => {
          idle = resolve;
        });
        queueMicrotask(dispatch);
        await ended;
        await backend.close();
      })();
      return closing;
    },
  };
}

function remaining({ beginBy }: Slice): number {
  return Math.max(0, beginBy - performance.now());
}

/** @throws Error before the backend is loaded. */
function takesAnyBatch({ info }: Backend): boolean {
  return info.maxBatchSize > 1 && info.signature.inputs.every(({ dims }) => dims[0] === null);
}
