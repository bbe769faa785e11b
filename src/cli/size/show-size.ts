import { assumptionsOf, loadWords, priceWords } from '../../size/assumptions.ts';
import type { Binding } from '../../size/choose.ts';
import { type Evaluation, type Question, seconds, whole } from '../../size/evaluate.ts';
import { TIERS } from '../../size/limits.ts';
import type { Sample } from '../../size/simulate/scenario.ts';
import { layTable } from '../table.ts';
import type { Paint } from '../terminal.ts';
import { drawBars } from './bars.ts';

export interface Shown {
  readonly question: Question;
  readonly evaluations: readonly Evaluation[];
  readonly binding: Binding | undefined;
  /** What was read of the model. */
  readonly model: string;
}

/** The whole answer as lines. */
export function showSize({ question, evaluations, binding, model }: Shown, paint: Paint, width: number): string[] {
  const [first] = evaluations;
  if (first === undefined) return [];
  const columns = Math.min(96, Math.max(20, width - 16));
  return [
    paint('bold', loadWords(question)),
    '',
    ...(evaluations.length > 1
      ? layTable({ heads: ['', 'this', 'that'], rows: rowsOf(evaluations), width: width - 1 }, paint).map(
          line => ` ${line}`,
        )
      : rowsOf(evaluations).map(([name = '', value = '']) => ` ${paint('dim', name.padEnd(34))}${value}`)),
    '',
    ...verdictOf(evaluations, binding, paint),
    ...remarksOf(first).map(text => ` ${text}`),
    '',
    ...evaluations.flatMap((evaluation, i) => [
      ...(evaluations.length > 1 ? [paint('bold', ` ${i === 0 ? 'this' : 'that'}`)] : []),
      ...pictureOf(evaluation, columns),
      '',
    ]),
    paint('dim', ' assumed'),
    ...[model, ...assumptionsOf(question, first)].map(text => paint('dim', `   ${text}`)),
    paint('dim', ' prices, US dollars where nothing else was given'),
    ...priceWords(question).map(text => paint('dim', `   ${text}`)),
  ];
}

/** A row a figure: its name, then a cell a set-up. */
export function rowsOf(evaluations: readonly Evaluation[]): string[][] {
  const row = (name: string, of: (evaluation: Evaluation) => string) => [name, ...evaluations.map(of)];
  const parts = [...new Set(evaluations.flatMap(({ money }) => money.parts.map(({ what }) => what)))];
  return [
    row(
      'tier',
      ({ setUp }) => `${setUp.tier}${setUp.namespaces > 1 ? `, ${setUp.namespaces} namespaces with an app each` : ''}`,
    ),
    row('units', ({ setUp }) => `${setUp.units} ${TIERS[setUp.tier].unit}${setUp.units === 1 ? '' : 's'}`),
    row('partitions', ({ setUp }) => `${setUp.partitions} a hub`),
    row('instances', ({ setUp }) => `${setUp.instances} at most, of ${setUp.memoryMb} MB`),
    row('always ready', ({ setUp }) => String(setUp.alwaysReady)),
    row('carries, planned', ({ capacities: [least], setUp }) =>
      least ? `${whole(least.perSecond * setUp.namespaces)}/s: ${least.limit} bind` : '',
    ),
    row('p50, p95, p99', ({ outcome }) => [outcome.p50Ms, outcome.p95Ms, outcome.p99Ms].map(seconds).join(', ')),
    row('burst worked off', ({ outcome }) =>
      outcome.drainMs === undefined ? '–' : `after ${seconds(outcome.drainMs)}`,
    ),
    row(
      'waiting, at most',
      ({ outcome }) =>
        `${whole(outcome.mostWaiting)}${outcome.mostHeldBack > outcome.mostWaiting / 10 + 100 ? `, and ${whole(outcome.mostHeldBack)} at their senders` : ''}`,
    ),
    ...parts.map(what =>
      row(`  ${what}, a month`, ({ money: of }) => {
        const part = of.parts.find(each => each.what === what);
        return part === undefined ? '–' : money(part.month);
      }),
    ),
    row('all of it, a month', evaluation => money(evaluation.money.month)),
    row('a million events', evaluation => money(evaluation.money.millionEvents)),
    row('a million in a batch job', evaluation => money(evaluation.money.batch.millionEvents)),
    row('as batch jobs, a month', evaluation => money(evaluation.money.batch.month)),
  ];
}

function verdictOf(evaluations: readonly Evaluation[], binding: Binding | undefined, paint: Paint): string[] {
  return evaluations.flatMap(({ misses }, i) => {
    const name = evaluations.length > 1 ? `${i === 0 ? 'this' : 'that'} ` : '';
    if (misses.length === 0 && (i > 0 || binding === undefined)) return [paint('green', ` ${name}holds`)];
    return [
      paint('red', ` ${name}does not hold${misses.length > 0 ? `: ${misses.join('; ')}` : ''}`),
      ...(i === 0 && binding ? [` what binds: ${binding.limit}`, ` what lifts it: ${binding.lift}`] : []),
    ];
  });
}

/** What surprises. */
function remarksOf({ money: of, setUp }: Evaluation): string[] {
  const checkpoints = of.parts.find(({ what }) => what === 'checkpoints')?.month ?? 0;
  return [
    ...(of.month !== undefined && checkpoints > of.month / 4
      ? [
          `checkpoints are ${Math.round((100 * checkpoints) / of.month)} % of it: batchCheckpointFrequency 10 makes that a tenth (docs/size.md, --checkpoint-every 10)`,
        ]
      : []),
    ...(of.month === undefined ? [`the price of a ${TIERS[setUp.tier].unit} is not known: give it by --price`] : []),
  ];
}

function pictureOf({ outcome }: Evaluation, columns: number): string[] {
  const { samples } = outcome;
  const end: readonly [string, string] = ['0', seconds(1000 * (samples.at(-1)?.second ?? 0))];
  const bars = (title: string, pick: (sample: Sample) => number | null, show: (value: number) => string) =>
    drawBars(title, samples.map(pick), columns, show, end);
  return [
    ...bars('sent a second', sample => sample.sentPerSecond, whole),
    ...bars("waiting, their senders' included", sample => sample.waiting + sample.heldBack, whole),
    ...bars('p99 of what was answered', sample => sample.p99Ms, seconds),
    ...bars('instances', sample => sample.instances, whole),
  ];
}

/** Two digits after the point below 100. */
export function money(amount: number | undefined): string {
  if (amount === undefined) return 'not known';
  if (amount > 0 && amount < 0.01) return String(Number(amount.toPrecision(2)));
  return amount < 100 ? amount.toFixed(2) : whole(amount);
}
