import type { JudgedTest } from '../shadow/verdict.ts';
import { printable } from './printable.ts';
import type { Paint } from './terminal.ts';

const COLOURS = { pass: 'green', fail: 'red', undecided: 'yellow', not_applicable: 'dim' } as const;

/** What stands of a comparison in either command. */
export interface ShownPairs {
  readonly flips: number;
  readonly errors: number;
  readonly unpaired: number;
  readonly verdict: keyof typeof COLOURS;
  readonly triggers: readonly JudgedTest[];
  readonly flipped: readonly Readonly<Record<string, unknown>>[];
}

/** A backtest, for a person. */
export function showBacktest(
  said: ShownPairs & {
    readonly model: string;
    readonly version: string;
    readonly against: string;
    readonly compared: number;
    readonly missing_before?: string;
  },
  paint: Paint,
): string[] {
  const { model, version, against, compared, missing_before } = said;
  return [
    `${printable(`${model} ${version} against ${against}: ${number(compared)} requests compared, `)}${paint(COLOURS[said.verdict], said.verdict)}`,
    ...(missing_before === undefined
      ? []
      : [paint('yellow', printable(`the hub begins at ${missing_before}: what came before was not compared`))]),
    ...showPairs(said, compared, paint),
  ];
}

export function showPairs(
  { flips, errors, unpaired, triggers, flipped }: ShownPairs,
  pairs: number,
  paint: Paint,
): string[] {
  const share = pairs === 0 ? '' : ` (${Number(((flips / pairs) * 100).toPrecision(3))} %)`;
  const more = [
    ...(errors > 0 ? [`${number(errors)} of them without an answer of its own`] : []),
    ...(unpaired > 0 ? [`${number(unpaired)} more were not answered before either way`] : []),
  ];
  return [
    `${number(flips)} answered otherwise${share}${more.map(words => `; ${words}`).join('')}`,
    ...triggers.flatMap(({ trigger, bad, trials, fail_evidence, pass_evidence, threshold, verdict, why }) => [
      `${paint(COLOURS[verdict], verdict.replace('_', ' ').padEnd(14))} ${trigger}: ${number(bad)} of ${number(trials)}${why === undefined ? '' : `; ${why}`}`,
      paint(
        'dim',
        `${' '.repeat(15)}evidence that it is so ${fail_evidence.toFixed(2)}, that it is not ${pass_evidence.toFixed(2)}; ${threshold.toFixed(2)} decides`,
      ),
    ]),
    ...(flipped.length > 0 ? ['', 'such as'] : []),
    ...flipped.map(({ result_id, request_id, baseline, candidate }) =>
      printable(`  ${String(result_id)}  ${JSON.stringify(request_id)}  ${answer(baseline)} → ${answer(candidate)}`),
    ),
  ];
}

function answer(told: unknown): string {
  const { prediction, confidence, code } = (told ?? {}) as Readonly<Record<string, unknown>>;
  if (code !== undefined) return String(code);
  const sure = typeof confidence === 'number' ? ` (${Number(confidence.toPrecision(3))})` : '';
  return `${JSON.stringify(prediction)}${sure}`;
}

const number = (value: number) => value.toLocaleString('en-US');
