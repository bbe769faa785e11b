import type { Outcome } from './play.ts';
import type { Scenario } from './scenarios.ts';

/** A host that was killed has to be back at work well before this; usually it takes one second, two on a busy machine. */
const LONGEST_SILENCE_MS = 10_000;
/** Where killers are among the events. */
const LONGEST_TURN_MS = 60_000;
/** At leisure; where all is late, more processes are alive at once. */
const MOST_BYTES = 1.5 * 2 ** 30;
const MOST_BYTES_IN_HASTE = 2 * 2 ** 30;

/**
 * What a scenario promises and a run of it did not keep.
 * @param patience by which times are longer where scenarios run side by side
 */
export function faultsIn(
  outcome: Outcome,
  { mayRepeat, killers, silenceMs = LONGEST_SILENCE_MS }: Scenario,
  patience: number,
): string[] {
  const { verdict, verified, settled, exitCodes, longestSilenceMs, peak } = outcome;
  const found: string[] = [];
  if (!settled) found.push('it did not come to rest');
  if (exitCodes.some(code => code !== 0)) found.push(`hosts ended with ${exitCodes.join(', ')}`);
  if (longestSilenceMs > silenceMs * patience) found.push(`no ending for ${seconds(longestSilenceMs)} after a fault`);
  if (killers && verdict.longestTurnMs > LONGEST_TURN_MS * patience) {
    found.push(`an event waited for ${seconds(verdict.longestTurnMs)} in its turn`);
  }
  if (killers && peak.bytes > (patience > 1 ? MOST_BYTES_IN_HASTE : MOST_BYTES))
    found.push(`${megabytes(peak.bytes)} at once: ${peak.held.join(', ')}`);
  const { missing, outOfOrder, wrong, swallowed, repeated } = verdict;
  for (const [name, fault] of Object.entries({
    missing,
    outOfOrder,
    wrong,
    swallowed,
    ...(!mayRepeat && { repeated }),
  })) {
    if (fault.count > 0) found.push(`${fault.count} ${name}: ${fault.examples.join('; ')}`);
  }
  const isWhole = missing.count + outOfOrder.count === 0;
  const expected = !isWhole ? [1] : repeated.count === 0 ? [0] : [3, 1]; // 1: both a result and a dead letter
  if (
    verified.missing !== missing.count ||
    verified.outOfOrder !== outOfOrder.count ||
    verified.repeated !== repeated.count ||
    !expected.includes(verified.exitCode ?? -1)
  ) {
    found.push(`hubscore verify says otherwise: ${JSON.stringify(verified)}`);
  }
  return found;
}

export function summaryOf({ verdict, verified, strikes, longestSilenceMs, peak }: Outcome): string {
  const { events, requests, results, deadLetters, missing, repeated, outOfOrder, wrong } = verdict;
  return (
    `${events} events, ${requests} requests = ${results} results + ${deadLetters} dead letters; missing ${missing.count}, ` +
    `repeated ${repeated.count}, out of order ${outOfOrder.count}, wrong ${wrong.count}; ${strikes} faults, ` +
    `longest silence ${seconds(longestSilenceMs)}, longest turn ${seconds(verdict.longestTurnMs)}, ${megabytes(peak.bytes)} at most; hubscore verify: exit status ${verified.exitCode}`
  );
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MB`;
}
