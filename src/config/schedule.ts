interface Field {
  readonly least: number;
  readonly most: number;
  readonly names: readonly string[];
}

const MONTHS = 'january february march april may june july august september october november december'.split(' ');
const DAYS = 'sunday monday tuesday wednesday thursday friday saturday'.split(' ');
const FIELDS: readonly Field[] = [
  { least: 0, most: 59, names: [] }, // second
  { least: 0, most: 59, names: [] }, // minute
  { least: 0, most: 23, names: [] }, // hour
  { least: 1, most: 31, names: [] }, // day
  { least: 1, most: 12, names: MONTHS },
  { least: 0, most: 6, names: DAYS },
];
const TIME_SPAN = /^(\d+\.)?([01]?\d|2[0-3]):[0-5]?\d(:[0-5]?\d(\.\d{1,7})?)?$/;

/**
 * Whether Azure's timer trigger takes a text: six NCRONTAB fields (five without the second), or a time span between firings. A schedule that
 * it does not take leaves the function out of the host's list, with one line in its log.
 * (NCrontab's CrontabFieldImpl.cs and the extension's TimerSchedule.cs.)
 */
export function isSchedule(text: string): boolean {
  if (TIME_SPAN.test(text)) return /[1-9]/.test(text);
  const parts = text.split(' ').filter(part => part !== '');
  if (parts.length === 5) parts.unshift('0');
  return parts.length === FIELDS.length && FIELDS.every((field, i) => isField(parts[i] ?? '', field));
}

/**
 * Whether a schedule has firings less than a minute apart: the host then keeps no status of the timer, so it does not say when it fired last.
 * @param text that `isSchedule` takes
 */
export function firesWithinAMinute(text: string): boolean {
  if (TIME_SPAN.test(text)) {
    const [, days = '', hours = '', minutes = '0'] = /^(\d+\.)?(\d+):(\d+)/.exec(text) ?? [];
    return Number.parseInt(days || '0', 10) + Number(hours) + Number(minutes) === 0;
  }
  const parts = text.split(' ').filter(part => part !== '');
  return parts.length === FIELDS.length && valuesOf(parts[0] ?? '', 60) > 1;
}

/** How many of so many values a field matches. */
function valuesOf(field: string, count: number): number {
  const values = new Set<number>();
  for (const item of field.split(',')) {
    const [range = '', step] = item.split('/');
    const [from = '0', to] = range === '*' ? ['0', String(count - 1)] : range.split('-');
    const last = Number(to ?? (step === undefined ? from : count - 1));
    for (let value = Number(from); value <= last; value += Math.max(1, Number(step ?? 1))) values.add(value);
  }
  return values.size;
}

/** A list of values, ranges and steps; a range may fall. */
function isField(text: string, field: Field): boolean {
  return text.split(',').every(item => {
    const [range = '', step, ...more] = item.split('/');
    if (more.length > 0 || (step !== undefined && !/^\d+$/.test(step))) return false;
    if (range === '*') return true;
    const [from = '', to = from, ...others] = range.split('-');
    return others.length === 0 && isValue(from, field) && isValue(to, field);
  });
}

/** A number, or the beginning of a name. */
function isValue(text: string, { least, most, names }: Field): boolean {
  if (/^\d+$/.test(text)) return Number(text) >= least && Number(text) <= most;
  return text !== '' && names.some(name => name.startsWith(text.toLowerCase()));
}
