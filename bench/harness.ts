import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';

/** Something whose cost is compared: does its work once and says how many events that were. */
export interface Candidate {
  readonly name: string;
  run(): Promise<number> | number;
}

export interface Comparison {
  /** Nanoseconds an event: median over the rounds. */
  readonly nsPerEvent: Readonly<Record<string, number>>;
  /** Speed relative to the first candidate (1 = as fast, 2 = twice as fast): the median of the rounds' own ratios. */
  readonly speed: Readonly<Record<string, number>>;
  readonly rounds: number;
}

/** Until the engine has compiled what a candidate needs, and has seen enough of it to stay with that (measured: two to three seconds). */
const WARM_UP_MS = 3000;

/**
 * Times candidates side by side. Every round runs each once for about `roundMs`; odd rounds run them in reverse, so that neither
 * warmth nor drift of the machine favours one; ratios are taken within a round, where both saw the same machine. By `processorTime` as
 * the clock, what others do on the machine counts less.
 */
export async function compare(
  candidates: readonly Candidate[],
  rounds = 9,
  roundMs = 300,
  clock: () => bigint = process.hrtime.bigint,
): Promise<Comparison> {
  const lastsS = Math.round((candidates.length * (WARM_UP_MS + rounds * 1.25 * roundMs)) / 1000);
  process.stderr.write(`   ${candidates.length} candidates, ${rounds} rounds, about ${lastsS} s\n`);
  for (const candidate of candidates) await timeFor(candidate, WARM_UP_MS, clock);
  const samples = new Map<string, number[]>(candidates.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? candidates : [...candidates].reverse();
    for (const candidate of order) {
      await timeFor(candidate, roundMs / 4, clock); // the garbage of the one before is not this one's
      samples.get(candidate.name)?.push(await timeFor(candidate, roundMs, clock));
    }
  }
  const reference = samples.get(candidates[0]?.name ?? '') ?? [];
  const entries = [...samples];
  return {
    nsPerEvent: Object.fromEntries(entries.map(([name, values]) => [name, Math.round(median(values))])),
    speed: Object.fromEntries(
      entries.map(([name, values]) => [
        name,
        round3(median(values.map((value, i) => (reference[i] as number) / value))),
      ]),
    ),
    rounds,
  };
}

/** Processor time this process has used, nanoseconds. */
export function processorTime(): bigint {
  const { user, system } = process.cpuUsage();
  return BigInt(user + system) * 1000n;
}

async function timeFor(candidate: Candidate, milliseconds: number, clock: () => bigint): Promise<number> {
  const start = clock();
  const end = start + BigInt(Math.round(milliseconds * 1e6));
  let events = 0;
  let now = start;
  while (now < end) {
    events += await candidate.run();
    now = clock();
  }
  return Number(now - start) / events;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

/** The same figures from several runs as one: every number the median of theirs. */
export function medianFigures(runs: readonly unknown[]): unknown {
  const [first] = runs;
  if (typeof first === 'number') return median(runs as readonly number[]);
  if (typeof first !== 'object' || first === null) return first;
  const keys = Object.keys(first);
  return Object.fromEntries(
    keys.map(key => [key, medianFigures(runs.map(run => (run as Record<string, unknown>)[key]))]),
  );
}

export function round3(value: number): number {
  return Number(value.toPrecision(3));
}

/** Value at a quantile (0–1) of unsorted numbers. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}

/** Appends a run to bench/results, one file a run: figures with commit, machine and versions; nothing is overwritten. */
export function record(scenario: string, figures: unknown): string {
  const folder = join(import.meta.dirname, 'results');
  mkdirSync(folder, { recursive: true });
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  const at = new Date().toISOString();
  const file = join(folder, `${at.slice(0, 19).replaceAll(':', '')}-${scenario}-${commit}.json`);
  const machine = { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, node: process.version };
  const versions = Object.fromEntries(
    ['onnxruntime-node', '@azure/event-hubs', 'rhea'].map(name => {
      const path = join(import.meta.dirname, '../node_modules', name, 'package.json');
      return [name, (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version];
    }),
  );
  writeFileSync(file, `${JSON.stringify({ scenario, at, commit, machine, versions, figures }, null, 2)}\n`);
  return file;
}
