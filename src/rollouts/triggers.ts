/** What a rollout is watched for, as deployment.json has it. */
export interface Trigger {
  readonly when: string;
  readonly and?: 'worse_than_production' | undefined;
  readonly default?: boolean | undefined;
  readonly signal?: boolean | undefined;
}

export type TriggerMetric =
  | ('error_rate' | 'failed_runs' | 'latency' | 'accuracy_drop' | 'error_increase')
  | ('class_shift' | 'confidence_shift');

/** What is a signal and nothing else: sticky keys bring their own classes with them. */
export const isShift = (metric: TriggerMetric) => metric === 'class_shift' || metric === 'confidence_shift';

/** What a trigger watches. */
export interface Watched {
  readonly metric: TriggerMetric;
  /** A share, milliseconds for `latency`, the label's unit for `error_increase`; 0 where it is a shift of any size. */
  readonly limit: number;
  /** Of `latency`: the share of runs above the limit that is allowed, .05 for p95. */
  readonly share: number | undefined;
}

/** What a trigger may be, in words. */
export const TRIGGERS_ALLOWED =
  'error_rate > SHARE, failed_runs > SHARE, latency_p50|p90|p95|p99 > MILLISECONDSms (or SECONDSs), accuracy_drop > SHARE, error_increase > NUMBER; a share is between 0 and 0.5; :signal behind it holds instead of rolling back; class_shift:signal and confidence_shift:signal, which are signals only';

const SHAPE =
  /^(error_rate|failed_runs|accuracy_drop|error_increase|latency_p(50|90|95|99))\s*>\s*(\d*\.?\d+)\s*(ms|s)?$/;

/** Reads what stands in `when`; undefined where it is nothing that could be watched. */
export function watchedBy(when: string): Watched | undefined {
  const shift = /^(class_shift|confidence_shift)$/.exec(when.trim())?.[1];
  if (shift !== undefined) return { metric: shift as TriggerMetric, limit: 0, share: undefined };
  const [, name, percentile, number, unit] = SHAPE.exec(when.trim()) ?? [];
  if (name === undefined) return undefined;
  const limit = Number(number);
  if (percentile !== undefined) {
    if (unit === undefined || limit <= 0) return undefined;
    const share = (100 - Number(percentile)) / 100;
    return { metric: 'latency', limit: unit === 's' ? limit * 1000 : limit, share };
  }
  if (unit !== undefined) return undefined;
  const metric = name as TriggerMetric;
  const isShare = metric !== 'error_increase';
  // Nothing can be worse than always, and of zero no evidence comes.
  if (limit <= 0 || (isShare && limit > 0.5)) return undefined;
  return { metric, limit, share: undefined };
}

/** A trigger as the command line has it: `EXPR` or `EXPR:signal`. @throws Error that says what is allowed. */
export function parseTrigger(text: string): Trigger {
  const [when = '', kind, ...more] = text.split(':').map(part => part.trim());
  const watched = watchedBy(when);
  const isKind = kind === 'signal' || (kind === undefined && watched !== undefined && !isShift(watched.metric));
  if (watched === undefined || more.length > 0 || !isKind) {
    throw new Error(`trigger ${JSON.stringify(text)}: expected one of ${TRIGGERS_ALLOWED}`);
  }
  return kind === 'signal' ? { when, signal: true } : { when };
}

/** What a rollout is watched for where its user says nothing. `--trigger` replaces the first three; the last stays unless it is written, too. */
export const DEFAULT_TRIGGERS: readonly Trigger[] = [
  { when: 'error_rate > 0.01', default: true },
  { when: 'latency_p95 > 500ms', and: 'worse_than_production', default: true },
  { when: 'accuracy_drop > 0.05', default: true },
  { when: 'failed_runs > 0.01', and: 'worse_than_production', default: true },
];

/** @param given as the user wrote them; none: the defaults */
export function triggersOf(given: readonly Trigger[]): readonly Trigger[] {
  if (given.length === 0) return DEFAULT_TRIGGERS;
  const hasFailedRuns = given.some(({ when }) => watchedBy(when)?.metric === 'failed_runs');
  return hasFailedRuns ? given : [...given, DEFAULT_TRIGGERS[3] as Trigger];
}
