import { RequestError } from '../../core/errors.ts';
import type { EventBatch } from '../../core/event.ts';
import type { Outcome, RenderDeadLetter, Subject } from '../../core/outcome.ts';
import { OutcomeArms, ScoredBatch } from '../../core/scored-batch.ts';
import type { Way } from '../group.ts';
import type { Refusal, Run } from '../run.ts';
import { LetterShares } from './letter-shares.ts';
import { isCached } from './pack-answers.ts';
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
  const letters: [place: number, error: RequestError][] = [];
  const shares = new LetterShares();
  const refuse = (place: number, error: RequestError) => {
    letters.push([place, error]);
    shares.expect(run.event(place), run.request(place).text);
  };
  const refused = [...run.refusals.keys()].sort((one, other) => one - other);
  for (let place = 0, next = 0; place < count; ) {
    const stop = refused[next] ?? count;
    if (place === stop) {
      refuse(place, (run.refusals.get(place) as Refusal).error);
      next++;
      place++;
      continue;
    }
    const to = results.open(place, stop);
    const { arm, at } = results;
    places.set(place, to, at);
    const fits = (arm.maxBytes ?? Number.POSITIVE_INFINITY) <= options.maxBodyBytes;
    for (; !fits && place < to; place++) {
      const excess = tooLarge(arm, place, options.maxBodyBytes);
      if (excess !== undefined) refuse(place, excess);
    }
    place = to;
  }
  const deadLetters = new OutcomeArms(results.arms.length);
  // Requests of a batch that found no model share the one failure, and are told so by their time.
  let unavailableAtMs: number | undefined;
  for (const [place, error] of letters) {
    const event = run.event(place);
    const isUnavailable = error.code === 'model_unavailable';
    if (isUnavailable) unavailableAtMs ??= run.clock();
    const shared = { maxBytes: shares.maxBytes(event), failedAtMs: isUnavailable ? unavailableAtMs : undefined };
    const letter = deadLetter(run, batch, place, error, shared, options);
    shares.written(event, letter.body.length);
    const arm = deadLetters.of(letter);
    places.setRow(place, arm.place, arm.add(letter));
  }
  const eventOf = run.isOneToOne ? undefined : run.eventOf;
  const arms = [...results.arms, ...deadLetters.all];
  const columns = { eventOf, partOf: run.partOf, places: places.columns, arms };
  return new ScoredBatch(batch, columns, run.slices, run.passedOver);
}

/** Where each ending stands among the arms; no columns as long as all are results of the first arm, whose rows are their places. */
class Places {
  columns: { readonly armOf: Uint32Array; rowOf: Uint32Array | undefined } | undefined;
  readonly #count: number;

  constructor(count: number) {
    this.#count = count;
  }

  /** Endings from one to behind another are results of an arm. */
  set(from: number, to: number, arm: number): void {
    if (this.columns === undefined && arm === 0) return;
    const { armOf } = this.#begun();
    for (let place = from; place < to; place++) armOf[place] = arm;
  }

  /** An ending is a row of an arm that counts its own. */
  setRow(place: number, arm: number, row: number): void {
    const columns = this.#begun();
    columns.rowOf ??= Uint32Array.from({ length: this.#count }, (_, place) => place);
    columns.armOf[place] = arm;
    columns.rowOf[place] = row;
  }

  #begun() {
    this.columns ??= { armOf: new Uint32Array(this.#count), rowOf: undefined };
    return this.columns;
  }
}

function tooLarge(arm: ResultArm, place: number, maxBytes: number): RequestError | undefined {
  if (arm.maxBodyBytes(place) <= maxBytes) return undefined;
  const body = Buffer.allocUnsafe(arm.maxBodyBytes(place));
  const bytes = arm.writeBody(place, body, 0);
  if (bytes <= maxBytes) return undefined;
  const rows = arm.rowsWithin(place, body, maxBytes);
  const fitting = rows === undefined ? '' : `; ${rows} of its ${arm.sizeOf(place)} instances would fit`;
  const message = `the result has ${bytes} bytes; at most ${maxBytes} can be sent${fitting}`;
  return new RequestError('result_too_large', 'send', message);
}

/** The arms of results: one a way, and one more for what needed no inference. */
class ResultArms {
  /** Few: going through them is quicker than a map. */
  readonly arms: ResultArm[] = [];
  /** The arm that was opened last, by its place among the arms. */
  at = 0;
  readonly #run: Run;
  readonly #prefix: string;

  constructor(run: Run, prefix: string) {
    this.#run = run;
    this.#prefix = prefix;
  }

  get arm(): ResultArm {
    return this.arms[this.at] as ResultArm;
  }

  /** Opens the arm of the result at a place; gives up to where, before `stop`, the results behind it are of that arm too. */
  open(place: number, stop: number): number {
    const { ways } = this.#run;
    const way = ways[place] as Way;
    const { hasCached } = way.group.answers;
    const cached = hasCached && isCached(this.#run, way, place);
    const { arms } = this;
    let at = 0;
    while (at < arms.length && !(arms[at] as ResultArm).is(way, cached)) at++;
    if (at === arms.length) arms.push(new ResultArm(this.#run, way, cached, this.#prefix));
    this.at = at;
    let to = place + 1;
    while (!hasCached && to < stop && ways[to] === way) to++;
    return to;
  }
}

function deadLetter(
  run: Run,
  batch: EventBatch,
  place: number,
  error: RequestError,
  shared: Pick<Subject, 'maxBytes' | 'failedAtMs'>,
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
    rollout: route?.rollout,
    bucket: route?.rollout && run.bucket(place),
    ...shared,
  };
  return renderDeadLetter(batch, subject, error);
}
