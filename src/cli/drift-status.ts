import type { Compared, DriftStatus, Quality } from '../drift/compare.ts';
import type { Profile } from '../drift/profile.ts';
import type { DriftReport, WindowSize } from '../drift/report.ts';

export interface DriftOptions {
  readonly version?: string;
  readonly json?: boolean;
  readonly adopt?: boolean;
  readonly check?: boolean;
}

/** What `hubscore drift --json` says. */
export interface DriftSaid {
  readonly model: string;
  readonly version: string;
  /** Of the worst of the newest windows; `unknown` where there is no reference, or no window is over yet. */
  readonly status: DriftStatus | 'unknown';
  readonly reference: (Profile['reference'] & { readonly rows: number }) | null;
  /** What raises an alarm, by name. */
  readonly alarms: readonly string[];
  readonly windows: Partial<Record<WindowSize, WindowSaid>>;
  readonly next: string;
}

export interface WindowSaid {
  readonly from: string;
  readonly to: string;
  readonly rows: number;
  readonly status: DriftStatus;
  readonly features: readonly FeatureSaid[];
  readonly dead_letters: readonly Quality[];
}

type FeatureSaid = ReturnType<typeof featureSaid>;

/** @param reports of that version by that profile, one a size */
export function driftSaid(
  model: string,
  version: string,
  profile: Profile | undefined,
  reports: readonly DriftReport[],
): DriftSaid {
  const statuses = reports.map(({ status }) => status);
  const order = ['alarm', 'warning', 'ok'] as const;
  const status = order.find(each => statuses.includes(each)) ?? 'unknown';
  const alarms = new Set(reports.flatMap(report => alarmsOf(report)));
  return {
    model,
    version,
    status,
    reference: profile === undefined ? null : { ...profile.reference, rows: profile.rows },
    alarms: [...alarms],
    windows: Object.fromEntries(reports.map(report => [report.size, windowSaid(report)])),
    next: nextOf(model, profile, status),
  };
}

function alarmsOf({ features, deadLetters }: DriftReport): string[] {
  const codes = deadLetters.filter(({ alarm }) => alarm).map(({ code }) => `dead letters: ${code}`);
  return [...features.filter(({ status }) => status === 'alarm').map(({ name }) => name), ...codes];
}

function windowSaid({ fromMs, toMs, rows, status, features, deadLetters }: DriftReport): WindowSaid {
  const [from, to] = [fromMs, toMs].map(ms => new Date(ms).toISOString()) as [string, string];
  return { from, to, rows, status, features: features.map(featureSaid), dead_letters: deadLetters };
}

function featureSaid({ of, name, status, values, distance, moved, quality }: Compared) {
  const measures = distance && {
    js: distance.js,
    js_floor: distance.jsFloor,
    psi: distance.psi,
    psi_floor: distance.psiFloor,
    ks: distance.ks,
    hellinger: distance.hellinger,
    l_infinity: distance.lInfinity,
    chi_square: distance.chiSquare,
    p: distance.p,
  };
  return { feature: name, of, status, values, ...measures, ...(moved && { moved }), quality };
}

function nextOf(model: string, profile: Profile | undefined, status: DriftSaid['status']): string {
  if (profile === undefined)
    return `There is no reference: push the next version with --profile train.csv, or take production's first day as one: npx hubscore drift ${model} --adopt`;
  if (status === 'unknown')
    return 'No window is over yet: the first ends with the hour, once 1,000 rows came, after a day in any case.';
  if (status === 'ok') return 'Nothing is to be done.';
  return status === 'warning'
    ? 'The next window tells: an alarm of a distance takes two running.'
    : 'What to do: docs/drift.md#at-an-alarm';
}
