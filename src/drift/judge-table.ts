import type { TableCounts, TableDrift } from '../core/table-scorer.ts';
import { compare, NOTHING_BEFORE } from './compare.ts';
import { noEndings } from './counts.ts';
import type { Profile } from './profile.ts';

/**
 * Holds a whole table against the reference. It is a window by itself, so that what is above threshold and floor is an alarm at once.
 * @param classes rows by the class that was predicted
 */
export function judgeTable(
  profile: Profile,
  { rows, bins }: TableCounts,
  classes: Readonly<Record<string, number>>,
): TableDrift {
  // The reference has labels as JSON, a table their texts.
  const labels = Object.keys(profile.classes ?? {}).map(label => [String(JSON.parse(label)), label] as const);
  const known = new Map(labels);
  const byLabel = Object.fromEntries(
    Object.entries(classes).map(([name, many]) => [known.get(name) ?? JSON.stringify(name), many]),
  );
  const inputs = { rows, bins: bins.map(own => [...own]) };
  const compared = compare(profile, inputs, { ...noEndings(), classes: byLabel }, NOTHING_BEFORE);
  const features = compared.map(({ of, name, status, over, distance, moved, quality }) => ({
    ...{ of, name, status: over ? ('alarm' as const) : status },
    ...{ psi: distance?.psi ?? null, js: distance?.js ?? null, moved: moved ?? null },
    rules: quality.filter(({ alarm }) => alarm).map(({ rule, bad, trials }) => ({ rule, share: bad / trials })),
  }));
  const has = (wanted: string) => features.some(({ status }) => status === wanted);
  return { status: has('alarm') ? 'alarm' : has('warning') ? 'warning' : 'ok', rows, features };
}
