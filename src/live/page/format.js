const whole = new Intl.NumberFormat();
const three = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 3 });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

const DAY_MS = 86_400_000;

export const count = value => whole.format(value);
export const short = value => three.format(value);
export const percent = share => `${three.format(share * 100)} %`;
export const ms = value =>
  value === undefined ? '–' : value < 10_000 ? `${three.format(value)} ms` : `${three.format(value / 1000)} s`;

/** A time in the reader's zone; with its day where that is not today. */
export function time(iso) {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return String(iso);
  return Math.abs(Date.now() - at) < DAY_MS / 2 ? clock.format(at) : day.format(at);
}

export function duration(milliseconds) {
  const seconds = milliseconds / 1000;
  if (seconds < 1) return 'under 1 s';
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${three.format(seconds / 3600)} h`;
  return `${three.format(seconds / 86_400)} days`;
}

/** A value that a request brought, shortened. */
export function brief(value, most = 80) {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '–');
  return text.length > most ? `${text.slice(0, most)} …` : text;
}

/** A word of a command line, which whoever copies it gives to a shell. */
export const word = text => (/^[\w.:@/+-]+$/.test(text) ? text : `'${String(text).replaceAll("'", "'\\''")}'`);

export const versioned = ({ name, version }) => (version ? `${name} ${version}` : name || '(no model)');
