import { RunLost, WaitedTooLong } from '../../core/backend.ts';
import { asError, InfrastructureError, RequestError } from '../../core/errors.ts';
import type { Clock } from '../../core/log.ts';
import type { ModelVersion } from '../../core/model.ts';
import type { SliceTiming } from '../../core/outcome.ts';
import type { Tensors } from '../../core/tensor.ts';
import type { AnswerColumns } from '../answers/answer-columns.ts';
import type { Plan } from '../plan.ts';
import type { Rows } from '../rows/rows.ts';
import { groupByLength, inOrder } from './by-length.ts';

/** What the model said of rows `from` to `to`. */
export interface Slice {
  readonly from: number;
  readonly to: number;
  readonly answers: AnswerColumns;
  readonly computeMs: number;
  readonly scoredAtMs: number;
}

export interface InferOptions {
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** The most urgent of the rows'. */
  readonly priority: number;
  /** The first of the rows' deadlines, milliseconds since the epoch; infinite where none has one. */
  readonly deadlineMs: number;
  /** Told of every slice that ran. */
  readonly timings: SliceTiming[];
}

/** Runs the model over rows, and keeps what became of them: each is in a slice, or failed. */
export class Inference {
  readonly slices: Slice[] = [];
  readonly failed = new Map<number, RequestError>();
  readonly #plan: Plan;
  readonly #rows: Rows;
  readonly #options: InferOptions;

  constructor(plan: Plan, rows: Rows, options: InferOptions) {
    this.#plan = plan;
    this.#rows = rows;
    this.#options = options;
  }

  /**
   * No more than a slice of rows. `tries`: how often this row was to be run alone. A slice that fails, or whose outputs are no answers, is halved until the bad rows stand alone.
   * @throws WaitedTooLong where the first deadline passed while it waited for its turn; InfrastructureError; the signal's reason where it is aborted.
   */
  async run(from: number, to: number, tries = 0): Promise<void> {
    const { signal, clock, timings } = this.#options;
    const { version, slice, pace, readAnswers } = this.#plan;
    const rows = this.#rows;
    signal.throwIfAborted();
    if (to - from > 1 && rows.isTooLarge(from, to)) return this.#halves(from, to);
    try {
      const size = slice.fixed ?? to - from;
      const lent = version.backend.info.placement === 'in-line';
      const start = performance.now();
      const groups = slice.fixed !== undefined ? undefined : lengthGroups(rows, from, to);
      const outputs =
        (groups && (await this.#predictByLength(groups, from))) ??
        (await this.#predict(rows.tensors(from, to, size, lent), tries > 0));
      const computeMs = performance.now() - start;
      pace.note(to - from, computeMs);
      const answers = readAnswers(outputs, to - from, size);
      this.slices.push({ from, to, answers, computeMs, scoredAtMs: clock() });
      timings.push({ model: version.name, modelVersion: version.label, instances: to - from, computeMs });
    } catch (thrown) {
      signal.throwIfAborted();
      if (thrown instanceof InfrastructureError || thrown instanceof WaitedTooLong) throw thrown;
      if (thrown instanceof RunLost) return this.#singly(from, to, tries, thrown);
      if (to - from > 1 && !isAway(thrown)) return this.#halves(from, to);
      this.#fail(from, to, thrown);
    }
  }

  /**
   * Rows of which one took the process that ran them with it, or kept it for too long. Each such loss costs a process, and seconds, so they are not halved but run one by one. A row that dies alone
   * is tried once more: something else may have ended the process.
   */
  async #singly(from: number, to: number, tries: number, lost: RunLost): Promise<void> {
    const again = tries === 0 || (tries === 1 && lost.reason !== 'time');
    if (!again)
      return this.#fail(
        from,
        to,
        tries === 1 ? lost : new Error(`it took the process with it, twice: ${lost.message}`),
      );
    for (let row = from; row < to; row++) await this.run(row, row + 1, tries + 1);
  }

  #fail(from: number, to: number, thrown: unknown): void {
    const error = inferenceFailed(this.#plan.version, thrown);
    for (let row = from; row < to; row++) this.failed.set(row, error);
  }

  async #halves(from: number, to: number): Promise<void> {
    const middle = (from + to) >>> 1;
    await this.run(from, middle);
    await this.run(middle, to);
  }

  #predict(inputs: Tensors, alone = false): Promise<Tensors> {
    const { signal, clock, priority, deadlineMs } = this.#options;
    const maxWaitMs = Math.max(0, deadlineMs - clock());
    return this.#plan.version.backend.predict(inputs, { signal, priority, maxWaitMs, alone });
  }

  /** Undefined where their outputs cannot be put together again. */
  async #predictByLength(groups: readonly (readonly number[])[], from: number): Promise<Tensors | undefined> {
    const outputs: Tensors[] = [];
    for (const group of groups) {
      const rows = this.#rows.pick(group.map(place => from + place));
      outputs.push(await this.#predict(rows.tensors(0, group.length, group.length)));
    }
    return inOrder(groups, outputs);
  }
}

/** Undefined where the rows are no texts, or texts of much the same length. */
function lengthGroups(rows: Rows, from: number, to: number): readonly (readonly number[])[] | undefined {
  const lengths = rows.textLengths(from, to);
  return lengths && groupByLength(lengths);
}

/** No row is to blame where the backend itself cannot be had; halving would only ask it again and again. */
function isAway(thrown: unknown): boolean {
  return thrown instanceof RequestError && thrown.code === 'model_unavailable';
}

const MAX_REASON_LENGTH = 300;

function inferenceFailed({ name, version }: ModelVersion, thrown: unknown): RequestError {
  if (thrown instanceof RequestError) return thrown;
  const cause = asError(thrown);
  const reason = cause.message.replaceAll(/\s+/g, ' ').slice(0, MAX_REASON_LENGTH);
  return new RequestError('inference_failed', 'infer', `${name} ${version} failed: ${reason}`, { cause });
}
