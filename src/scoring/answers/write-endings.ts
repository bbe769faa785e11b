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
  const armOf = new Uint32Array(count);
  const rowOf = new Uint32Array(count);
  const letters: [place: number, letter: Outcome][] = [];
  const hasRefusals = run.refusals.size > 0;
  for (let place = 0; place < count; place++) {
    const refusal = hasRefusals ? run.refusals.get(place)?.error : undefined;
    if (refusal !== undefined) {
      letters.push([place, deadLetter(run, batch, place, refusal, options)]);
      continue;
    }
    const { arm, at } = results.of(place);
    const row = arm.places.push(place) - 1;
    armOf[place] = at;
    rowOf[place] = row;
    if (arm.maxBodyBytes(row) > options.maxBodyBytes) {
      const bytes = bytesOf(arm, row);
      if (bytes <= options.maxBodyBytes) continue;
      const message = `the result has ${bytes} bytes; at most ${options.maxBodyBytes} can be sent`;
      const error = new RequestError('result_too_large', 'send', message);
      letters.push([place, deadLetter(run, batch, place, error, options)]);
    }
  }
  const deadLetters = new OutcomeArms(results.arms.length);
  for (const [place, letter] of letters) {
    const arm = deadLetters.of(letter);
    armOf[place] = arm.place;
    rowOf[place] = arm.add(letter);
  }
  const eventOf = count === batch.events.length && isOneToOne(run) ? undefined : run.eventOf.subarray(0, count);
  return new ScoredBatch(batch, { eventOf, armOf, rowOf, arms: [...results.arms, ...deadLetters.all] }, run.slices);
}

function isOneToOne({ eventOf, count }: Run): boolean {
  for (let place = 0; place < count; place++) if (eventOf[place] !== place) return false;
  return true;
}

/** The arms of results, one a way, and one more for what needed no inference. */
class ResultArms {
  readonly arms: ResultArm[] = [];
  readonly #run: Run;
  readonly #prefix: string;
  readonly #known = new Map<Way, { fresh?: ArmPlace; cached?: ArmPlace }>();
  #lastWay: Way | undefined;
  #last: ArmPlace | undefined;

  constructor(run: Run, prefix: string) {
    this.#run = run;
    this.#prefix = prefix;
  }

  of(place: number): ArmPlace {
    const way = this.#run.ways[place] as Way;
    const { answers } = way.group;
    if (way === this.#lastWay && !answers.hasCached) return this.#last as ArmPlace;
    const cached = answers.hasCached && isCached(this.#run, way, place);
    let known = this.#known.get(way);
    if (known === undefined) {
      known = {};
      this.#known.set(way, known);
    }
    const kind = cached ? 'cached' : 'fresh';
    known[kind] ??= this.#open(way, cached);
    this.#lastWay = way;
    this.#last = known[kind];
    return known[kind];
  }

  #open(way: Way, cached: boolean): ArmPlace {
    const arm = new ResultArm(this.#run, way, cached, this.#prefix);
    return { arm, at: this.arms.push(arm) - 1 };
  }
}

interface ArmPlace {
  readonly arm: ResultArm;
  /** Among the arms. */
  readonly at: number;
}

/** Whether no inference ran for any of a request's instances. */
export function isCached(run: Run, { group }: Way, place: number): boolean {
  const first = run.firstRow[place] as number;
  for (let row = first; row < first + Math.max(1, run.listed[place] as number); row++) {
    if (!group.answers.of(row).cached) return false;
  }
  return true;
}

function bytesOf(arm: Arm, row: number): number {
  return arm.writeBody(row, Buffer.allocUnsafe(arm.maxBodyBytes(row)), 0);
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
