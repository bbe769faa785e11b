import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Answer, bindingOf, choose, closedSetUps } from '../../size/choose.ts';
import { evaluate, type Question } from '../../size/evaluate.ts';
import { MOST_EVENT_BYTES, TIERS, type Tier } from '../../size/limits.ts';
import { type PriceName, pricesWith } from '../../size/prices.ts';
import type { SetUp } from '../../size/set-up.ts';
import { type Burst, sizesOf } from '../../size/workload.ts';
import { jsonLine, printable } from '../printable.ts';
import { CommandError, columnsOf, paintFor, type Terminal } from '../terminal.ts';
import { costsWith, readTuning } from './read-costs.ts';
import { type Rates, readCounts, readCurve } from './read-rates.ts';
import type { Wanted } from './read-set-up.ts';
import { type Shown, showSize } from './show-size.ts';
import { sizeJson } from './size-json.ts';
import { sizePage } from './size-page.ts';

export interface SizeOptions {
  readonly rate?: number;
  readonly curve?: string;
  readonly counts?: string;
  readonly burst?: Burst;
  readonly rows: number;
  readonly eventBytes?: number;
  readonly resultBytes?: number;
  readonly readers: number;
  readonly tune?: string;
  readonly rowUs?: number;
  readonly waitMs?: number;
  readonly runs?: number;
  readonly runRows?: number;
  readonly modelMb?: number;
  readonly batch?: number;
  readonly checkpointEvery?: number;
  readonly coldStart?: number;
  readonly p99?: number;
  readonly drain?: number;
  readonly tier?: Tier;
  readonly setUp?: Wanted;
  readonly compare?: Wanted;
  readonly price: Readonly<Partial<Record<PriceName, number>>>;
  readonly seed: number;
  readonly json?: boolean;
  readonly page?: string;
}

/** `hubscore size`, once its options are read. */
export function size(terminal: Terminal, options: SizeOptions): void {
  const { stdout, folder } = terminal;
  const { question, model } = ask(options, folder);
  const answer = answerTo(question, options);
  const compared = options.compare === undefined ? [] : [evaluate(fill(options.compare, question), question)];
  const shown: Shown = { question, evaluations: [answer.best, ...compared], binding: answer.binding, model };
  if (options.page !== undefined) writeFileSync(resolve(folder, options.page), sizePage(shown));
  if (options.json) stdout.write(`${jsonLine(sizeJson(shown))}\n`);
  else for (const line of showSize(shown, paintFor(stdout), columnsOf(stdout))) stdout.write(`${line}\n`);
  if (answer.binding !== undefined || answer.best.misses.length > 0) terminal.setExitCode(2);
}

function ask(options: SizeOptions, folder: string): { question: Question; model: string } {
  const { rows, burst, readers } = options;
  const tuned = options.tune === undefined ? undefined : readTuning(resolve(folder, options.tune), rows);
  const costs = costsWith({
    rowMs: options.rowUs === undefined ? tuned?.rowMs : options.rowUs / 1000,
    waitMs: options.waitMs,
    runs: options.runs,
    runRows: options.runRows,
    modelMb: options.modelMb,
    mostEvents: options.batch,
    checkpointEvery: options.checkpointEvery,
    coldStartMs: options.coldStart,
  });
  const single = rows === 1 ? tuned : undefined;
  const sizes = sizesOf(rows);
  const workload = {
    ...ratesOf(options, folder),
    burst,
    rows,
    requestBytes: options.eventBytes ?? single?.requestBytes ?? sizes.requestBytes,
    resultBytes: options.resultBytes ?? single?.resultBytes ?? sizes.resultBytes,
    readers,
  };
  const largest = Math.max(workload.requestBytes, workload.resultBytes);
  if (largest > MOST_EVENT_BYTES) {
    throw new CommandError(
      `an event of ${largest.toLocaleString('en')} bytes is larger than a hub takes (1 MB)`,
      'Take packs of fewer rows.',
    );
  }
  if (options.drain !== undefined && burst === undefined) {
    throw new CommandError('--drain says how soon a burst is worked off, and there is none', 'Give --burst 5x60s.');
  }
  const model =
    options.rowUs === undefined && tuned
      ? tuned.says
      : `${1000 * costs.rowMs} µs a row in codecs and model${options.rowUs === undefined ? ': a small model; give --tune' : ''}`;
  const objective = { p99Ms: options.p99, drainMs: options.drain };
  return { question: { workload, costs, objective, prices: pricesWith(options.price), seed: options.seed }, model };
}

function ratesOf({ rate, curve, counts }: SizeOptions, folder: string): Rates {
  const given = [rate, curve, counts].filter(each => each !== undefined);
  if (given.length !== 1) {
    throw new CommandError(
      given.length === 0 ? 'how much comes is not said' : 'how much comes is said twice',
      'Give one of --rate N, --curve N,N,… and --counts FILE.',
    );
  }
  if (curve !== undefined) return readCurve(curve);
  if (counts !== undefined) return readCounts(readText(resolve(folder, counts)), counts);
  if (rate === 0) {
    throw new CommandError(
      'with a rate of 0 there is nothing to size: no limit binds',
      'Give the events a second that you expect; what stands idle costs is in docs/size.md.',
    );
  }
  return { rates: [rate as number], stretchSeconds: 86_400 };
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (thrown) {
    throw new CommandError(`${printable(path)} cannot be read`, 'Give --counts a CSV file of minute,count.', {
      cause: thrown,
    });
  }
}

function answerTo(question: Question, { setUp, tier }: SizeOptions): Answer {
  if (setUp === undefined) return choose(question, tier && [tier]);
  const best = evaluate(fill(setUp, question), question);
  return { best, binding: best.misses.length === 0 ? undefined : bindingOf(best, question) };
}

/** What was not said of a set-up is as the closed formulas have it, for its tier; more than a tier has is refused. */
function fill(wanted: Wanted, question: Question): SetUp {
  const tier = wanted.tier ?? 'standard';
  const closed = closedSetUps(question, [tier])[0];
  const base: SetUp = closed ?? {
    tier,
    namespaces: 1,
    units: 1,
    partitions: 1,
    instances: 1,
    memoryMb: 2048,
    alwaysReady: 0,
  };
  const setUp = { ...base, ...wanted };
  const { units, unit, partitionsPerHub } = TIERS[tier];
  if (!units.includes(setUp.units)) {
    throw new CommandError(
      `${setUp.units} ${unit}s cannot be had in one ${tier} namespace`,
      `There are ${units.length > 12 ? `1 to ${units.at(-1)}` : units.join(', ')}; more by namespaces=2.`,
    );
  }
  if (setUp.partitions > partitionsPerHub) {
    throw new CommandError(
      `a hub of the ${tier} tier has ${partitionsPerHub} partitions at most`,
      'Take fewer, or another tier.',
    );
  }
  return setUp;
}
