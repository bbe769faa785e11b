import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One run of a scenario, as bench/harness.ts records it. */
export interface Result {
  readonly scenario: string;
  readonly at: string;
  readonly commit: string;
  readonly machine: { readonly cpu: string; readonly cores: number; readonly node: string };
  readonly versions: Readonly<Record<string, string>>;
  readonly figures: unknown;
}

/** The newest run of every scenario. */
export function newestResults(folder: string): ReadonlyMap<string, Result> {
  const newest = new Map<string, Result>();
  for (const file of readdirSync(folder).sort()) {
    if (!file.endsWith('.json')) continue;
    const result = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Result;
    newest.set(result.scenario, result);
  }
  return newest;
}

/** A figure by its path: `figure(result, 'diabetes 1.0.0', 'speed', 'hubscore')`. @throws Error where it is not there. */
export function figure<T = number>(result: Result, ...path: readonly (string | number)[]): T {
  let value: unknown = result.figures;
  for (const step of path) value = (value as Record<string, unknown> | undefined)?.[step];
  if (value === undefined) throw new Error(`${result.scenario} of ${result.at} has no figure ${path.join(' / ')}`);
  return value as T;
}
