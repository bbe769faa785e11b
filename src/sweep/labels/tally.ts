import { HOUR_MS } from './chunks.ts';
import { isRight, type Prediction } from './prediction.ts';

/** What labels say of one arm. */
export interface ArmLabels {
  labels: number;
  right: number;
  /** Of absolute errors, where prediction and label are numbers. */
  errors: { count: number; sum: number; squares: number };
}

/** By rollout and variant. */
export type Joined = Readonly<Record<string, Readonly<Record<string, ArmLabels>>>>;

/** What production answered in an hour, and what labels say of it. */
export interface ProductionHour extends ArmLabels {
  readonly model: string;
  /** As results name it. */
  readonly version: string;
  /** When the hour began, by enqueued time of the requests; milliseconds since the epoch. */
  readonly hourMs: number;
  answers: number;
}

/** Who answered, and when the request was enqueued. */
export type Answered = Pick<Prediction, 'model' | 'version' | 'rollout' | 'variant' | 'atMs'>;

export const noLabels = (): ArmLabels => ({ labels: 0, right: 0, errors: { count: 0, sum: 0, squares: 0 } });

/** Counts of labels that were held against what was predicted. */
export class Tally {
  readonly joined: Record<string, Record<string, ArmLabels>> = {};
  readonly #hours = new Map<string, ProductionHour>();

  /** @param before counted for good */
  constructor(before: Joined = {}) {
    for (const [rollout, arms] of Object.entries(before)) this.joined[rollout] = structuredClone(arms);
  }

  count(of: Answered, prediction: unknown, label: unknown): void {
    const { rollout, variant } = of;
    if (rollout !== undefined && variant !== undefined) {
      const arms = this.joined[rollout] ?? {};
      this.joined[rollout] = arms;
      arms[variant] ??= noLabels();
      add(arms[variant], prediction, label);
    }
    if (isProductions(of)) add(this.#hourOf(hourKeyOf(of)), prediction, label);
  }

  answered(key: HourKey, many: number): void {
    this.#hourOf(key).answers += many;
  }

  /** Those that have a label. */
  get hours(): readonly ProductionHour[] {
    return [...this.#hours.values()].filter(({ labels }) => labels > 0);
  }

  #hourOf(key: HourKey): ProductionHour {
    let hour = this.#hours.get(key);
    if (hour === undefined) {
      const [model, version, hourMs] = JSON.parse(key) as [string, string, number];
      hour = { model, version, hourMs, answers: 0, ...noLabels() };
      this.#hours.set(key, hour);
    }
    return hour;
  }
}

/** Model, version and hour as JSON. */
export type HourKey = string;

/** What a candidate answers while a rollout runs is not production's. */
export const isProductions = ({ variant, version }: Answered) => variant !== 'candidate' && version !== undefined;

export function hourKeyOf({ model, version, atMs }: Answered): HourKey {
  return JSON.stringify([model, version, Math.floor(atMs / HOUR_MS) * HOUR_MS]);
}

const ABOUT = ',"model":';
const AT = ',"atMs":';

/** Counts production's answers by the hour from lines of predictions, of which few are parsed. */
export class AnswersByHour {
  readonly counts = new Map<HourKey, number>();
  /** What lines have between their keys and their time, and the key of the hour that came last with it. */
  readonly #last = new Map<string, { readonly hourMs: number; readonly key: HourKey | undefined }>();

  /** @param from where the line's keys are over, at the earliest */
  note(line: string, from: number): void {
    const start = line.indexOf(ABOUT, from);
    const end = line.indexOf(AT, start);
    if (start < 0 || end < 0) return;
    const about = line.slice(start, end);
    const hourMs =
      Math.floor(Number.parseInt(line.slice(end + AT.length, end + AT.length + 15), 10) / HOUR_MS) * HOUR_MS;
    let last = this.#last.get(about);
    if (last?.hourMs !== hourMs) {
      const of = JSON.parse(line) as Prediction;
      last = { hourMs, key: isProductions(of) ? hourKeyOf(of) : undefined };
      this.#last.set(about, last);
    }
    if (last.key !== undefined) this.counts.set(last.key, (this.counts.get(last.key) ?? 0) + 1);
  }
}

function add(arm: ArmLabels, prediction: unknown, label: unknown): void {
  arm.labels++;
  if (isRight(prediction, label)) arm.right++;
  if (typeof prediction !== 'number' || typeof label !== 'number') return;
  const error = Math.abs(prediction - label);
  arm.errors.count++;
  arm.errors.sum += error;
  arm.errors.squares += error * error;
}
