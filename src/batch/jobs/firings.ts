/*
 * When a schedule fires by the clock of a zone. Azure's timers know UTC alone on Linux, so the app looks every minute whether the minutes since its last look, as that zone's clocks
 * showed them, hold a firing.
 */

const MINUTE_MS = 60_000;
/** Whoever was away for longer has missed its nights. */
const MOST_MINUTES = 24 * 60;
const MONTHS = 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ');
const DAYS = 'sun mon tue wed thu fri sat'.split(' ');

/** Minute, hour, day, month and weekday as a wall clock shows them. */
type Wall = readonly [minute: number, hour: number, day: number, month: number, weekday: number];

/**
 * Days on which a schedule (NCRONTAB: six fields, or five; seconds are left out of account) fired after one time and up to another, as dates of the zone. An hour that clocks skip fires when
 * they are moved; one that comes twice fires twice, and gives the same date.
 */
export function firings(schedule: string, zone: string, afterMs: number, untilMs: number): readonly string[] {
  const fits = matcherOf(schedule);
  const wallOf = wallClock(zone);
  const last = Math.floor(untilMs / MINUTE_MS);
  const first = Math.max(Math.floor(afterMs / MINUTE_MS) + 1, last - MOST_MINUTES);
  const dates: string[] = [];
  let before = wallOf((first - 1) * MINUTE_MS);
  for (let minute = first; minute <= last; minute++) {
    const now = wallOf(minute * MINUTE_MS);
    // All that the clock passed over since the minute before.
    const from = Math.min(now, before + MINUTE_MS);
    for (let at = from; at <= now; at += MINUTE_MS) {
      if (fits(partsOf(at))) dates.push(new Date(at).toISOString().slice(0, 10));
    }
    before = now;
  }
  return [...new Set(dates)];
}

/** The zone's wall clock as if it were UTC, milliseconds. */
function wallClock(zone: string): (atMs: number) => number {
  const fields = ['year', 'month', 'day', 'hour', 'minute'] as const;
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    ...{ year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit' },
  } as Intl.DateTimeFormatOptions);
  return atMs => {
    const parts = new Map(format.formatToParts(atMs).map(({ type, value }) => [type, Number(value)]));
    const [year = 0, month = 1, day, hour, minute] = fields.map(name => parts.get(name) ?? 0);
    return Date.UTC(year, month - 1, day, hour, minute);
  };
}

function partsOf(wallMs: number): Wall {
  const at = new Date(wallMs);
  return [at.getUTCMinutes(), at.getUTCHours(), at.getUTCDate(), at.getUTCMonth() + 1, at.getUTCDay()];
}

function matcherOf(schedule: string): (wall: Wall) => boolean {
  const parts = schedule.split(' ').filter(part => part !== '');
  const fields = parts.length === 5 ? parts : parts.slice(1);
  // A time span between firings has no hour of its own: it is counted from midnight.
  if (fields.length !== 5) return everySpan(schedule);
  const names = [undefined, undefined, undefined, MONTHS, DAYS];
  const sets = fields.map((field, i) => valuesOf(field, [59, 23, 31, 12, 6][i] as number, i === 3 ? 1 : 0, names[i]));
  return wall => wall.every((value, i) => sets[i]?.has(value));
}

function everySpan(span: string): (wall: Wall) => boolean {
  const [hours = 0, minutes = 0] = (span.split('.').at(-1) ?? '').split(':').map(Number);
  const every = Math.max(1, hours * 60 + minutes);
  return ([minute, hour]) => (hour * 60 + minute) % every === 0;
}

function valuesOf(field: string, most: number, offset: number, names: readonly string[] | undefined): Set<number> {
  const values = new Set<number>();
  const numberOf = (text: string) =>
    /^\d+$/.test(text) ? Number(text) : (names?.findIndex(name => text.toLowerCase().startsWith(name)) ?? 0) + offset;
  for (const item of field.split(',')) {
    const [range = '*', step] = item.split('/');
    const [low = '0', high = step === undefined ? low : String(most)] =
      range === '*' ? ['0', String(most)] : range.split('-');
    const [from, to] = [numberOf(low), numberOf(high)];
    for (let value = Math.min(from, to); value <= Math.max(from, to); value += Math.max(1, Number(step ?? 1))) {
      values.add(value);
    }
  }
  return values;
}
