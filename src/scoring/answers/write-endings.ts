import { RequestError } from '../../core/errors.ts';
import type { EventBatch } from '../../core/event.ts';
import type { Outcome, RenderDeadLetter } from '../../core/outcome.ts';
import { type Arm, OutcomeArms, ScoredBatch } from '../../core/scored-batch.ts';
import type { Way } from '../group.ts';
import type { Run } from '../run.ts';
import { ResultArm } from './result-arm.ts';

export interface WriteEndingsOptions {
  readonly renderDeadLetter: RenderDeadLetter;
  /** Largest body of a result or a dead letter. */
  readonly maxBodyBytes: number;
}

/** The scored batch, its results as columns that one writer a way makes into bytes: by then every request is answered or refused. */
export function writeEndings(run: Run, batch: EventBatch, options: WriteEndingsOptions): ScoredBatch {
  const { count } = run;
  const results = new ResultArms(run, `${batch.hub}/${batch.partition}/`);
  const places = new Places(count);
  const letters: [place: number, letter: Outcome][] = [];
  for (let place = 0; place < count; ) {
    const refusal = run.refusals.size > 0 ? run.refusals.get(place) : undefined;
    if (refusal !== undefined) {
      letters.push([place, deadLetter(run, batch, place, refusal.error, options)]);
      place++;
      continue;
    }
    const { arm, at, to } = results.from(place);
    const first = arm.add(place, to);
    places.set(place, to, at, first);
    const fits = (arm.maxBytes ?? Number.POSITIVE_INFINITY) <= options.maxBodyBytes;
    for (let row = first; !fits && place < to; place++, row++) {
      const error = tooLarge(arm, row, options.maxBodyBytes);
      if (error !== undefined) letters.push([place, deadLetter(run, batch, place, error, options)]);
    }
    place = to;
  }
  const deadLetters = new OutcomeArms(results.arms.length);
  for (const [place, letter] of letters) {
    const arm = deadLetters.of(letter);
    places.set(place, place + 1, arm.place, arm.add(letter));
  }
  const eventOf = run.isOneToOne ? undefined : run.eventOf;
  const arms = [...results.arms, ...deadLetters.all];
  return new ScoredBatch(batch, { eventOf, places: places.columns, arms }, run.slices);
}

/** Where each ending stands among the arms; no columns as long as all are the rows of the first arm, in their order. */
class Places {
  columns: { readonly armOf: Uint32Array; readonly rowOf: Uint32Array } | undefined;
  readonly #count: number;

  constructor(count: number) {
    this.#count = count;
  }

  /** Endings from one to behind another are rows of an arm, from `row` on. */
  set(from: number, to: number, arm: number, row: number): void {
    if (this.columns === undefined) {
      if (arm === 0 && row === from) return;
      const rowOf = Uint32Array.from({ length: this.#count }, (_, place) => place);
      this.columns = { armOf: new Uint32Array(this.#count), rowOf };
    }
    const { armOf, rowOf } = this.columns;
    for (let place = from; place < to; place++) {
      armOf[place] = arm;
      rowOf[place] = row + place - from;
    }
  }
}

function tooLarge(arm: Arm, row: number, maxBytes: number): RequestError | undefined {
  if (arm.maxBodyBytes(row) <= maxBytes) return undefined;
  const bytes = arm.writeBody(row, Buffer.allocUnsafe(arm.maxBodyBytes(row)), 0);
  if (bytes <= maxBytes) return undefined;
  const message = `the result has ${bytes} bytes; at most ${maxBytes} can be sent`;
  return new RequestError('result_too_large', 'send', message);
}

/** The arms of results: one a way, and one more for what needed no inference. */
class ResultArms {
  readonly arms: ResultArm[] = [];
  readonly #run: Run;
  readonly #prefix: string;
  readonly #known = new Map<Way, { fresh?: number; cached?: number }>();

  constructor(run: Run, prefix: string) {
    this.#run = run;
    this.#prefix = prefix;
  }

  /** The arm of the result at a place, its own place among the arms, and up to where the results behind it are of that arm too. */
  from(place: number): { readonly arm: ResultArm; readonly at: number; readonly to: number } {
    const { ways, refusals, count } = this.#run;
    const way = ways[place] as Way;
    const { hasCached } = way.group.answers;
    const at = this.#placeOf(way, hasCached && isCached(this.#run, way, place));
    let to = place + 1;
    const alone = hasCached || refusals.size > 0;
    while (!alone && to < count && ways[to] === way) to++;
    return { arm: this.arms[at] as ResultArm, at, to };
  }

  #placeOf(way: Way, cached: boolean): number {
    let known = this.#known.get(way);
    if (known === undefined) {
      known = {};
      this.#known.set(way, known);
    }
    const kind = cached ? 'cached' : 'fresh';
    known[kind] ??= this.arms.push(new ResultArm(this.#run, way, cached, this.#prefix)) - 1;
    return known[kind];
  }
}

/** Whether no inference ran for any of a request's instances. */
export function isCached(run: Run, { group }: Way, place: number): boolean {
  const first = run.firstRow(place);
  for (let row = first; row < first + Math.max(1, run.listed(place)); row++) {
    if (!group.answers.of(row).cached) return false;
  }
  return true;
}

function deadLetter(
  run: Run,
  batch: EventBatch,
  place: number,
  error: RequestError,
  { renderDeadLetter }: WriteEndingsOptions,
): Outcome {
  const { resultId, requestId, model, text } = run.request(place);
  const route = run.ways[place]?.route;
  const version = route?.version;
  const subject = {
    event: run.event(place),
    resultId,
    requestId,
    text,
    model: version?.name ?? model,
    modelVersion: version?.label,
    variant: route?.variant,
  };
  return renderDeadLetter(batch, subject, error);
}
