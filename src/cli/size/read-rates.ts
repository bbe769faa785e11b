import { CommandError } from '../terminal.ts';

export interface Rates {
  readonly rates: readonly number[];
  readonly stretchSeconds: number;
}

const DAY_MINUTES = 1440;

/**
 * A day's curve: events a second for stretches of equal length, 24 figures one an hour, 48 one for half an hour.
 * @throws CommandError where figures are missing, are none, do not divide a day, or all are 0
 */
export function readCurve(text: string): Rates {
  const cells = text.split(',').map(cell => cell.trim());
  const gaps = cells.flatMap((cell, i) => (cell === '' ? [i + 1] : []));
  if (gaps.length > 0) {
    throw new CommandError(
      `the curve has gaps: figure ${gaps.join(', ')} of ${cells.length} ${gaps.length === 1 ? 'is' : 'are'} missing`,
      'Write 0 where nothing comes.',
    );
  }
  const rates = cells.map(cell => figure(cell, 'the curve'));
  if (rates.length < 2 || DAY_MINUTES % rates.length !== 0) {
    throw new CommandError(
      `the curve has ${rates.length} figures, which do not divide a day evenly`,
      'Give 24, one an hour, or 48, 96, 144 …; --rate for one that never changes.',
    );
  }
  return some({ rates, stretchSeconds: (60 * DAY_MINUTES) / rates.length });
}

/**
 * Counts a minute as CSV: `minute,count`, a head or not; the minute as a time (`2026-11-28T09:00`, `09:00`) or a number. Every minute from the first to the
 * last has to be there once and in order.
 * @throws CommandError where one is missing or out of order, is none, or all are 0
 */
export function readCounts(text: string, name: string): Rates {
  const lines = text
    .split(/\r?\n/)
    .flatMap((line, i) => (line.trim() === '' ? [] : [{ cells: line.split(','), line: i + 1 }]));
  const [head] = lines;
  const body = head && minuteOf(head.cells[0] ?? '') === undefined ? lines.slice(1) : lines;
  const rates: number[] = [];
  let before: { minute: number; text: string } | undefined;
  for (const { cells, line } of body) {
    const [time = '', count = ''] = cells.map(cell => cell.trim());
    const minute = minuteOf(time);
    if (minute === undefined || cells.length !== 2) {
      throw new CommandError(
        `${name}, line ${line}: ${cells.join(',')} is no minute and count`,
        'A line is 2026-11-28T09:00,1234',
      );
    }
    if (before !== undefined && minute <= before.minute) {
      throw new CommandError(
        `${name}, line ${line}: ${time} does not come after ${before.text}`,
        'Sort the minutes, each once.',
      );
    }
    const missing = before === undefined ? 0 : minute - before.minute - 1;
    if (missing > 0) {
      throw new CommandError(
        `${name} has gaps: ${missing} ${missing === 1 ? 'minute is' : 'minutes are'} missing between ${before?.text} and ${time} (line ${line})`,
        'Write 0 where nothing came.',
      );
    }
    rates.push(figure(count, `${name}, line ${line}`) / 60);
    before = { minute, text: time };
  }
  if (rates.length === 0) throw new CommandError(`${name} has no counts`, 'A line is 2026-11-28T09:00,1234');
  return some({ rates, stretchSeconds: 60 });
}

/** Minutes since some beginning; undefined where it is no time. */
function minuteOf(text: string): number | undefined {
  const trimmed = text.trim();
  if (/^\d+$/.test(trimmed)) return Number(trimmed);
  const [, hours, minutes] = /^(\d{1,2}):(\d{2})(?::\d{2})?$/.exec(trimmed) ?? [];
  if (hours !== undefined) return 60 * Number(hours) + Number(minutes);
  const [, date, time, zone] =
    /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2})(?::\d{2}(?:\.\d+)?)?(Z|[+-]\d{2}:\d{2})?$/.exec(trimmed) ?? [];
  if (date === undefined) return undefined;
  const ms = Date.parse(`${date}T${time}:00${zone ?? 'Z'}`);
  return Number.isNaN(ms) ? undefined : Math.floor(ms / 60_000);
}

function figure(text: string, where: string): number {
  const value = Number(text);
  if (text !== '' && Number.isFinite(value) && value >= 0) return value;
  throw new CommandError(`${where}: ${text === '' ? 'nothing' : text} is no count`, 'Counts are 0 or above.');
}

/** @throws CommandError where nothing ever comes */
function some(rates: Rates): Rates {
  if (rates.rates.some(rate => rate > 0)) return rates;
  throw new CommandError(
    'nothing ever comes: all rates are 0',
    'With no events there is nothing to size; what stands idle costs is in docs/size.md.',
  );
}
