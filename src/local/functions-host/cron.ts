import { parseTimeSpan } from './time-span.ts';

/** When a timer fires next: strictly after the given time, both in milliseconds since the epoch. */
export type Schedule = (afterMs: number) => number;

interface Field {
  readonly name: string;
  readonly least: number;
  readonly most: number;
  readonly names?: readonly string[];
}

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];
const FIELDS: readonly Field[] = [
  { name: 'second', least: 0, most: 59 },
  { name: 'minute', least: 0, most: 59 },
  { name: 'hour', least: 0, most: 23 },
  { name: 'day', least: 1, most: 31 },
  { name: 'month', least: 1, most: 12, names: MONTHS },
  { name: 'day of week', least: 0, most: 6, names: DAYS },
];

/**
 * A timer trigger's schedule: an NCRONTAB expression of six fields (`{second} {minute} {hour} {day} {month} {day of week}`,
 * or five without the second), or a time span (`hh:mm:ss`) between firings. In UTC, as in Azure by default.
 * @throws Error that says which field is wrong.
 */
export function parseSchedule(text: string): Schedule {
  const spanMs = parseTimeSpan(text);
  if (spanMs !== undefined) {
    if (!(spanMs > 0)) throw new Error(`schedule "${text}": the time span has to be longer than nothing`);
    // Whole multiples since the epoch, so that hosts that share a timer agree when it is due.
    return afterMs => (Math.floor(afterMs / spanMs) + 1) * spanMs;
  }
  const parts = text.trim().split(/\s+/);
  if (parts.length === 5) parts.unshift('0');
  if (parts.length !== 6) {
    throw new Error(
      `schedule "${text}" is neither six NCRONTAB fields ({second} {minute} {hour} {day} {month} {day of week}) nor a time span (hh:mm:ss)`,
    );
  }
  const [seconds, minutes, hours, days, months, weekdays] = parts.map((part, i) =>
    parseField(part, FIELDS[i] as Field, text),
  ) as [boolean[], boolean[], boolean[], boolean[], boolean[], boolean[]];
  return afterMs => {
    // A cursor that leaps field by field; NCRONTAB wants day and day of week both to match.
    const at = new Date((Math.floor(afterMs / 1000) + 1) * 1000);
    const lastYear = at.getUTCFullYear() + 8; // 29 February comes at least every eight years
    while (at.getUTCFullYear() <= lastYear) {
      if (!months[at.getUTCMonth() + 1]) at.setTime(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1, 1));
      else if (!days[at.getUTCDate()] || !weekdays[at.getUTCDay()])
        at.setTime(Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate() + 1));
      else if (!hours[at.getUTCHours()]) at.setTime(Math.floor(at.getTime() / 3_600_000 + 1) * 3_600_000);
      else if (!minutes[at.getUTCMinutes()]) at.setTime(Math.floor(at.getTime() / 60_000 + 1) * 60_000);
      else if (!seconds[at.getUTCSeconds()]) at.setTime(at.getTime() + 1000);
      else return at.getTime();
    }
    throw new Error(`schedule "${text}" never fires`);
  };
}

/** Whether firings come less than a minute apart, as the real host finds it out: by the next few. */
export function firesWithinAMinute(schedule: Schedule, fromMs: number): boolean {
  let lastMs = schedule(fromMs);
  for (let i = 0; i < 5; i++) {
    const nextMs = schedule(lastMs);
    if (nextMs - lastMs < 60_000) return true;
    lastMs = nextMs;
  }
  return false;
}

/** Which values of a field match: lists, ranges, steps and names (`1,15`, `MON-FRI`, `* /5` without the blank). */
function parseField(text: string, field: Field, schedule: string): boolean[] {
  const matches = new Array<boolean>(field.most + 1).fill(false);
  const wrong = () =>
    new Error(`schedule "${schedule}": "${text}" is no ${field.name} (${field.least} to ${field.most})`);
  const number = (token: string) => {
    const index = field.names?.indexOf(token.slice(0, 3).toUpperCase()) ?? -1;
    const value = index >= 0 ? index + field.least : /^\d+$/.test(token) ? Number(token) : Number.NaN;
    if (!(value >= field.least && value <= field.most)) throw wrong();
    return value;
  };
  for (const item of text.split(',')) {
    const [range = '', step, ...rest] = item.split('/');
    const every = step === undefined ? 1 : /^[1-9]\d*$/.test(step) ? Number(step) : Number.NaN;
    if (Number.isNaN(every) || rest.length > 0) throw wrong();
    const [from, to = from, ...more] =
      range === '*' || range === '?' ? [String(field.least), String(field.most)] : range.split('-');
    if (more.length > 0) throw wrong();
    const first = number(from as string);
    const last = step !== undefined && to === from && range !== '*' ? field.most : number(to as string);
    if (last < first) throw wrong();
    for (let value = first; value <= last; value += every) matches[value] = true;
  }
  return matches;
}
