import type { TableDrift } from '../core/table-scorer.ts';
import { BINS, deviationOf, type FeatureStatistics, type Statistics } from './statistics.ts';

/** What became of a whole input. Plain JSON. */
export interface Report {
  readonly model: string;
  readonly model_version: string;
  readonly rows: { readonly read: number; readonly scored: number; readonly rejected: number };
  /** Null where no row has one. */
  readonly score: {
    readonly mean: number | null;
    readonly std: number | null;
    readonly min: number | null;
    readonly max: number | null;
    /** Scores from 0 to 1 in fifths. */
    readonly histogram: readonly { readonly range: string; readonly rows: number; readonly share: number }[];
  };
  /** In the order of the model's classes where it names them. */
  readonly classes: readonly { readonly class: string; readonly rows: number; readonly share: number }[];
  /** Rejected rows by code. */
  readonly rejects: Readonly<Record<string, number>>;
  /** By feature, those of which something is to be said first. */
  readonly features: readonly ({ readonly name: string; readonly std: number | null } & Omit<
    FeatureStatistics,
    'm2'
  >)[];
  /** Against the version's profile; null where it has none. */
  readonly drift: TableDrift | null;
  readonly seconds: number;
  readonly rows_per_second: number;
}

export interface ReportSubject {
  readonly model: string;
  readonly modelVersion: string;
  /** Of the model, in its order; empty where it names none. */
  readonly classes: readonly string[];
  readonly seconds: number;
  /** Absent: it has no profile. */
  readonly drift?: TableDrift | undefined;
}

export function reportOf(
  statistics: Statistics,
  { model, modelVersion, classes, seconds, drift }: ReportSubject,
): Report {
  const { rows, score, codes } = statistics;
  const read = rows.scored + rows.rejected;
  const { mean, min, max, count } = score;
  const binned = score.bins.reduce((sum, bin) => sum + bin, 0);
  const named = [...new Set([...classes, ...Object.keys(statistics.classes)])];
  return {
    model,
    model_version: modelVersion,
    rows: { read, ...rows },
    score: {
      mean: count === 0 ? null : mean,
      std: deviationOf(score),
      min,
      max,
      histogram:
        binned === 0
          ? []
          : score.bins.map((bin, i) => ({ range: rangeOf(i), rows: bin, share: shareOf(bin, rows.scored) })),
    },
    classes: named.map(name => {
      const count = statistics.classes[name] ?? 0;
      return { class: name, rows: count, share: shareOf(count, rows.scored) };
    }),
    rejects: codes,
    features: Object.entries(statistics.features).map(([name, { m2: _, ...feature }]) => ({
      name,
      std: deviationOf(statistics.features[name] as FeatureStatistics),
      ...feature,
    })),
    drift: drift ?? null,
    seconds: Math.round(seconds * 1000) / 1000,
    rows_per_second: seconds > 0 ? Math.round(read / seconds) : 0,
  };
}

/** Lines of text, as somebody reads them the next morning. */
export function reportLines(report: Report): string[] {
  const { rows, score, classes, rejects, features } = report;
  const lines = [
    `model     ${report.model} ${report.model_version}`,
    `rows      ${rows.read} read, ${rows.scored} scored, ${rows.rejected} rejected; ${report.rows_per_second} a second`,
  ];
  for (const { class: name, rows: count, share } of classes)
    lines.push(`class     ${name}: ${count} (${percent(share)})`);
  if (score.mean !== null) {
    const figures = [score.mean, score.std, score.min, score.max].map(value => Number(value).toPrecision(6));
    lines.push(`score     mean ${figures[0]}, std ${figures[1]}, min ${figures[2]}, max ${figures[3]}`);
  }
  for (const { range, rows: count, share } of score.histogram)
    lines.push(`          ${range} ${String(count).padStart(10)}  ${percent(share)}`);
  for (const [code, count] of Object.entries(rejects)) lines.push(`rejected  ${code}: ${count}`);
  for (const feature of features) {
    const said = [
      ['missing', feature.missing],
      ['not numeric', feature.not_numeric],
      ['out of range', feature.out_of_range],
      ['unknown category', feature.unknown_category],
    ].filter(([, count]) => count !== 0);
    if (said.length > 0)
      lines.push(`input     ${feature.name}: ${said.map(([what, count]) => `${count} ${what}`).join(', ')}`);
  }
  if (report.drift) lines.push(...driftLines(report.drift));
  return lines;
}

/** Of what has drifted; one line where nothing has. */
export function driftLines({ status, rows, features }: TableDrift): string[] {
  if (status === 'ok') return [`drift     none against the profile, of ${rows} rows`];
  return features
    .filter(each => each.status !== 'ok')
    .map(({ name, status: how, psi, moved, rules }) => {
      const said = [
        ...(psi === null ? [] : [`psi ${psi.toFixed(3)}`]),
        ...(moved ? [`${moved.bin}: ${percent(moved.reference)} → ${percent(moved.now)}`] : []),
        ...rules.map(({ rule, share }) => `${rule.replaceAll('_', ' ')} ${percent(share)}`),
      ];
      return `drift     ${how}: ${name}: ${said.join(', ')}`;
    });
}

function rangeOf(bin: number): string {
  return `(${(bin / BINS).toFixed(1)}, ${((bin + 1) / BINS).toFixed(1)}]`;
}

function shareOf(count: number, all: number): number {
  return all === 0 ? 0 : count / all;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
