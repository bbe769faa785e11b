/** What an event, a batch and a row take. The defaults are the real Functions host's, as it was seen in 2026-11 (host 4.1037, Node worker 3.9, a no-op or a small model). */
export interface Costs {
  /** Processor time of an event, whatever it holds: the host's and Node's. */
  readonly eventMs: number;
  /** Processor time of a row in codecs and model. */
  readonly rowMs: number;
  /** Processor time of a batch. */
  readonly batchMs: number;
  /** A run of a remote model takes so long; 0: the model runs on the instance. */
  readonly waitMs: number;
  /** Its runs at once, of one instance (`max_concurrent` of the card), and rows of one at most (`max_batch_size`). */
  readonly runs: number;
  readonly runRows: number;
  /** Until the results hub has confirmed a batch; the next one of the partition waits for it. */
  readonly confirmMs: number;
  /** The host waits so long for more, where a batch is not full. */
  readonly fillMs: number;
  /** Events of a batch at most: `maxEventBatchSize`. */
  readonly mostEvents: number;
  /** Batches between two checkpoints: `batchCheckpointFrequency`. */
  readonly checkpointEvery: number;
  /** From the decision to add an instance until it claims partitions. */
  readonly coldStartMs: number;
  /** Loaded models, megabytes. */
  readonly modelMb: number;
}

/** Seen: host 21 µs an event, 0.5 ms a batch, 20 ms to fill one; Node 10 µs an event with a small model, 5 µs without. */
export const REAL_HOST: Costs = {
  eventMs: 0.026,
  rowMs: 0.005,
  batchMs: 0.5,
  waitMs: 0,
  runs: 4,
  runRows: 64,
  confirmMs: 10,
  fillMs: 20,
  mostEvents: 1_000,
  checkpointEvery: 1,
  coldStartMs: 10_000,
  modelMb: 200,
};

/** Beside the models: host 320 MB, Node 390 MB, batches 200 MB where events are large (measured). */
export const PROCESSES_MB = 910;
/** Planned for: the rest takes peaks, changes of ownership and the garbage collector. */
export const PLANNED_SHARE = 0.7;
/** AMQP framing and properties beside the body, bytes. */
export const FRAME = { request: 60, result: 210 } as const;
/** A row of a batch job in reading, hashing and staging, beside the model (measured: 1.3–2.2 µs). */
export const BATCH_ROW_MS = 0.0022;

/** Processor time of one event that holds so many rows. */
export const eventCpuMs = ({ eventMs, rowMs }: Costs, rows: number) => eventMs + rows * rowMs;
