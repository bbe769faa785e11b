import {
  type Before,
  type Compared,
  compare,
  compareLetters,
  type DriftStatus,
  type Quality,
  rememberOf,
} from './compare.ts';
import type { Endings, InputCounts } from './counts.ts';
import type { Profile } from './profile.ts';

export type WindowSize = '1h' | '24h';

/** A window that is over, held against the reference. Plain JSON. */
export interface DriftReport {
  readonly model: string;
  readonly version: string;
  readonly profile: string;
  readonly reference: Profile['reference'];
  readonly size: WindowSize;
  /** Milliseconds since the epoch. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Of the requests that were sampled, each row of a pack. */
  readonly rows: number;
  readonly status: DriftStatus;
  readonly features: readonly Compared[];
  readonly deadLetters: readonly Quality[];
}

export interface WindowCounts {
  readonly fromMs: number;
  readonly inputs: InputCounts;
  readonly endings: Endings;
}

/** @returns the report, and what the next window is to remember of it */
export function reportOf(
  about: Pick<DriftReport, 'model' | 'version' | 'profile' | 'size' | 'toMs'>,
  profile: Profile,
  { fromMs, inputs, endings }: WindowCounts,
  before: Before,
): { readonly report: DriftReport; readonly remember: Before } {
  const features = compare(profile, inputs, endings, before);
  const deadLetters = compareLetters(endings, before);
  const isAlarm = deadLetters.some(({ alarm }) => alarm) || features.some(({ status }) => status === 'alarm');
  const status = isAlarm ? 'alarm' : features.some(each => each.status === 'warning') ? 'warning' : 'ok';
  const { reference } = profile;
  const report = { ...about, reference, fromMs, rows: inputs.rows, status, features, deadLetters } as const;
  return { report, remember: rememberOf(features, deadLetters) };
}
