import type { PlannedTrigger, Traffic } from '../verdicts/plan.ts';
import type { RolloutStatus } from '../verdicts/status.ts';
import { printable } from './printable.ts';
import { layTable } from './table.ts';
import type { Paint } from './terminal.ts';

const COLOURS = { pass: 'green', fail: 'red', undecided: 'yellow', not_applicable: 'dim' } as const;

/** Where a rollout stands, for a person: what was counted, what it proves, what happens next, and how to undo it. */
export function showStatus(status: RolloutStatus, paint: Paint, width: number): string[] {
  if (status.rollout === null) return [`${printable(status.model)}: no rollout`];
  const { rollout, arms, triggers, split, sweep, labels, verdict, next } = status;
  const { candidate, production } = arms;
  const share = rollout.kind === 'segments' ? ` of ${rollout.segments?.join(', ')}` : '';
  const head = `${status.model} ${rollout.candidate} (${rollout.kind.replace('_', '-')} ${rollout.id}) against ${rollout.baseline}: ${rollout.phase.replace('_', ' ')} at ${percent(rollout.weight / 100)}${share}, `;
  const armRow = (name: string, arm: typeof candidate) => [
    name,
    ...[arm.requests, arm.errors, arm.runs, arm.slow_runs, arm.failed_runs, arm.labels, arm.right].map(number),
  ];
  return [
    `${printable(head)}${paint(COLOURS[verdict], verdict)}`,
    '',
    ...layTable(
      {
        heads: ['', 'requests', 'errors', 'runs', 'slow runs', 'failed runs', 'labels', 'right'],
        rows: [armRow('candidate', candidate), armRow('production', production)],
        width,
      },
      paint,
    ),
    '',
    ...triggers.flatMap(trigger => showTrigger(trigger, paint)),
    ...status.blame.map(words => `${paint('red', 'where'.padEnd(14))} ${printable(words)}`),
    ...(split ? [showSplit(split, paint)] : []),
    ...sizesShown(candidate.rows_per_run, production.rows_per_run),
    `labels for ${percent(labels.coverage.candidate)} of the candidate’s results and ${percent(labels.coverage.production)} of production’s; ${number(labels.waiting)} wait for their request, ${number(labels.unmatched)} never found it`,
    ...(labels.before ? [beforeShown(labels.before)] : []),
    `counted ${sweep.lag_seconds === null ? 'never: the sweep does not run' : `up to ${Math.round(sweep.lag_seconds)} s ago`}${sweep.unsure > 0 ? `; ${number(sweep.unsure)} came too late to tell whether they were counted` : ''}`,
    ...('winner' in status
      ? [`winner: ${status.winner ?? `none${status.comparison?.why ? ` (${status.comparison.why})` : ''}`}`]
      : []),
    '',
    printable(`next: ${next}`),
    ...('undo' in status ? [printable(`undo: ${status.undo}`)] : []),
  ];
}

/** What a candidate that has all traffic is compared with. */
function beforeShown({ answers, labels, right }: NonNullable<Shown['labels']['before']>): string {
  return `compared with production’s answers in the 24 h before: ${number(labels)} of ${number(answers)} have a label, ${number(right)} are right`;
}

/** A candidate that runs a few rows at a time is not shown to be quick with many. */
function sizesShown(candidate: number | null, production: number | null): string[] {
  if (candidate === null) return [];
  const beside = production === null ? '' : `; production’s ${number(production)}`;
  return [`runs of the candidate have ${number(candidate)} rows, for which latency is judged${beside}`];
}

type Shown = Extract<RolloutStatus, { triggers: unknown }>;

function showTrigger(trigger: Shown['triggers'][number], paint: Paint): string[] {
  const { bad, trials, candidate, production, interval, fail_evidence, pass_evidence, threshold, verdict, why } =
    trigger;
  const seen =
    candidate === undefined ? 'nothing seen yet' : `${share(candidate)} (${number(bad)} of ${number(trials)}`;
  const between = interval ? `; between ${share(interval[0])} and ${share(interval[1])}` : '';
  const beside = production === undefined ? '' : `; production ${share(production)}`;
  const words = verdict.replace('_', ' ');
  return [
    `${paint(COLOURS[verdict], words.padEnd(14))} ${printable(trigger.trigger)}: ${seen}${candidate === undefined ? '' : `${between}${beside})`}`,
    paint(
      'dim',
      `${' '.repeat(15)}evidence that it is so ${evidence(fail_evidence)}, that it is not ${evidence(pass_evidence)}; ${evidence(threshold)} decides${why ? `; ${printable(why)}` : ''}`,
    ),
  ];
}

function showSplit(split: NonNullable<Shown['split']>, paint: Paint): string {
  const { expected, observed, bad, trials, misrouted, verdict } = split;
  const wrong = misrouted > 0 ? `; ${number(misrouted)} endings in another arm than their bucket says` : '';
  return `${paint(COLOURS[verdict], verdict.padEnd(14))} split: ${percent(observed)} of the buckets of keys seen are the candidate’s (${number(bad)} of ${number(trials)}), ${percent(expected)} were meant${wrong}`;
}

/** What a rollout can detect, and when, for a person. */
export function showPlan(planned: readonly PlannedTrigger[], traffic: Traffic, paint: Paint): string[] {
  const { requestsPerSecond, runsPerSecond, labelsPerSecond } = traffic;
  const come = `${rate(requestsPerSecond)} requests, ${rate(runsPerSecond)} runs and ${rate(labelsPerSecond)} labels a second come at present`;
  return [
    requestsPerSecond === 0
      ? paint('yellow', 'nothing came in the last hour: only counts can be said, no times')
      : come,
    '',
    ...planned.flatMap(({ trigger, of, perSecond, detects, proves, isInTime }) => [
      `${printable(trigger)}: ${rate(perSecond)} ${of} of the candidate a second`,
      ...detects.map(
        each =>
          `  ${of === 'labels' ? `a drop of ${percent(each.rate)}` : `${percent(each.rate)} bad`} is found in ${number(each.trials)} ${of}${after(each.seconds)}`,
      ),
      ...(proves
        ? [
            paint(
              isInTime ? 'green' : 'yellow',
              `  one that never fails has passed in ${number(proves.trials)} ${of}${after(proves.seconds)}${isInTime ? '' : ': not within the duration'}`,
            ),
          ]
        : []),
    ]),
  ];
}

const number = (value: number) => value.toLocaleString('en-US');
const percent = (value: number) => `${Number((value * 100).toPrecision(3))} %`;
const share = (value: number) => (value <= 1 ? percent(value) : String(Number(value.toPrecision(4))));
const evidence = (value: number) => value.toFixed(2);
const rate = (value: number) => String(Number(value.toPrecision(3)));

function after(seconds: number | undefined): string {
  if (seconds === undefined) return '';
  if (seconds < 120) return `, ${Math.ceil(seconds)} s`;
  if (seconds < 7_200) return `, ${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `, ${Number((seconds / 3600).toFixed(1))} h`;
  return `, ${Number((seconds / 86_400).toFixed(1))} days`;
}
