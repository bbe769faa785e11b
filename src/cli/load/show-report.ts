import { printable } from '../printable.ts';
import { layTable } from '../table.ts';
import type { Paint } from '../terminal.ts';
import { ms, whole } from './format.ts';
import type { LatencySummary } from './latencies.ts';
import type { LoadReport } from './report.ts';

/** The report in some twenty lines for people. */
export function showReport(report: LoadReport, paint: Paint, width: number): string[] {
  const { requests, perSecond, latencyMs, settings } = report;
  const line = (name: string, text: string) => ` ${paint('dim', name.padEnd(13))}${text}`;
  const rate = (value: number) => `${whole(Math.round(value))}/s`;
  const interrupted = report.interrupted ? ', interrupted' : '';
  const lag = Object.entries(report.lagAtEnd).filter(([, events]) => events > 0);
  return [
    paint(
      'bold',
      ` ${printable(settings.model ?? 'several models')}, ${settings.pace}: ${report.seconds.toFixed(1)} s${interrupted}`,
    ),
    line(
      'sent',
      `${whole(requests.sent)}, ${rate(perSecond.sent)} by ${settings.workers} workers; ${settings.payload}`,
    ),
    line('results', `${whole(requests.results)}, ${rate(perSecond.results)}, at most ${rate(perSecond.peakResults)}`),
    ...(settings.pack === undefined
      ? []
      : [line('rows', `${whole(settings.pack * requests.results)}, ${rate(settings.pack * perSecond.results)}`)]),
    line('dead letters', endings(requests.deadLetters, report.deadLetterCodes, paint)),
    ...(requests.begun > requests.sent
      ? [line('not confirmed', endings(requests.begun - requests.sent, report.sendFailures, paint))]
      : []),
    line('missing', requests.missing > 0 ? paint('red', `${whole(requests.missing)} without a result`) : '0'),
    ...(requests.repeats > 0
      ? [line('repeats', `${whole(requests.repeats)} endings came again, with the same id`)]
      : []),
    '',
    ...layTable(
      {
        heads: ['latency, ms', ...HEADS],
        rows: [
          latencies('enqueued → enqueued', latencyMs.enqueuedToEnqueued),
          latencies(settings.openLoop ? 'intended → result' : 'sending → result', latencyMs.intendedToResult),
          ...(settings.openLoop ? [latencies('intended → sending', latencyMs.sendDelay)] : []),
        ],
        width: width - 1,
        paintCell: (text, row) => (row === 2 ? paint('dim', text) : text),
      },
      paint,
    ).map(text => ` ${text}`),
    '',
    line('lag at end', lag.length === 0 ? '0' : lag.map(([id, events]) => `${id}: ${whole(events)}`).join('   ')),
    ...remarks(report).map(text => line('note', text)),
  ];
}

const HEADS = ['p50', 'p95', 'p99', 'p99.9', 'max'];

/** A row of the table, its figures as wide as others' are. */
function latencies(name: string, { p50, p95, p99, p999, max, count }: LatencySummary): string[] {
  return [name, ...[p50, p95, p99, p999, max].map(value => (count === 0 ? '–' : ms(value)).padStart(6))];
}

function endings(count: number, reasons: Readonly<Record<string, number>>, paint: Paint): string {
  if (count === 0) return '0';
  const named = Object.entries(reasons).map(([reason, times]) => `${printable(reason)} ${whole(times)}`);
  return paint('yellow', `${whole(count)}: ${named.join(', ')}`);
}

/** What a reader must know to take the figures for what they are. */
export function remarks(report: LoadReport): string[] {
  const { requests, perSecond, clock, latencyMs, settings } = report;
  const said: string[] = [];
  if (requests.cached > 0) {
    const share = Math.round((100 * requests.cached) / Math.max(1, requests.results));
    said.push(
      `${share} % came from the result cache: the same cases over and over; --from-card makes them all different`,
    );
  }
  if (settings.openLoop && latencyMs.sendDelay.p95 > 50) {
    const late = `requests went out late (p95 ${ms(latencyMs.sendDelay.p95)} ms)`;
    // Where confirmations kept the workers waiting for as long, no other sender would have done better.
    said.push(
      latencyMs.confirmation.max * 2 >= latencyMs.sendDelay.p95
        ? `${late}: sends were not confirmed for up to ${ms(latencyMs.confirmation.max)} ms, so the hub or the way to it is the limit; more --workers help where it is slow and not still`
        : `${late}: this sender is the limit; more --workers, or another machine`,
    );
  }
  if (perSecond.missed !== null) {
    said.push(
      `${whole(Math.round(perSecond.missed))} a second were asked for, and ${whole(Math.round(perSecond.sent))} went out`,
    );
  }
  if (requests.missing > 0) {
    said.push('missing requests are in no latency: the percentiles look better than it was');
  }
  if (clock.offsetMs !== 0) {
    said.push(
      `the service's clock is ${ms(Math.abs(clock.offsetMs))} ms ${clock.offsetMs > 0 ? 'ahead of' : 'behind'} this machine's (± ${ms(clock.uncertaintyMs ?? 0)}); taken out of latencies from intended times`,
    );
  }
  return said;
}
