import { BlobGone, type Blobs } from '../core/blobs.ts';
import { type Before, NOTHING_BEFORE } from './compare.ts';
import { addEndings, addInputs, type Endings, noEndings, noInputs } from './counts.ts';
import type { Profile } from './profile.ts';
import { type DriftReport, reportOf, type WindowCounts, type WindowSize } from './report.ts';
import { checkSchema, DRIFT_SCHEMA, HOUR_MS, type VersionInputs, watchedKey } from './state.ts';

/** One blob, written under its ETag: which hours were taken in, the windows that are open, and the newest reports. */
export const JUDGED_PATH = 'drift/judged.json';
/** A window of one hour with fewer rows goes on, a day at most. */
export const LEAST_ROWS = 1_000;
const DAY_MS = 24 * HOUR_MS;
const FORGOTTEN_MS = 8 * DAY_MS;

/** What is known of a version by one profile. */
interface Watched {
  readonly model: string;
  readonly version: string;
  readonly profile: string;
  open: Partial<Record<WindowSize, WindowCounts>>;
  before: Partial<Record<WindowSize, Before>>;
  latest: Partial<Record<WindowSize, DriftReport>>;
}

export interface Judged {
  /** Hours that ended by then were taken in. */
  toMs: number;
  readonly watched: Map<string, Watched>;
}

/** What an hour brought of a version. */
export interface HourOf extends VersionInputs {
  readonly endings: Endings;
}

const SIZES: readonly WindowSize[] = ['1h', '24h'];

/** Takes an hour in, and closes the windows that are over by its end. @returns their reports */
export function takeHour(
  judged: Judged,
  hourMs: number,
  hours: readonly HourOf[],
  profileOf: (id: string) => Profile | undefined,
): readonly DriftReport[] {
  for (const hour of hours) {
    const key = watchedKey(hour);
    const watched = judged.watched.get(key) ?? { ...about(hour), open: {}, before: {}, latest: {} };
    judged.watched.set(key, watched);
    const profile = profileOf(hour.profile);
    for (const size of SIZES) if (profile !== undefined) add(watched, size, hourMs, hour, profile);
  }
  judged.toMs = hourMs + HOUR_MS;
  const reports: DriftReport[] = [];
  for (const [key, watched] of judged.watched) {
    const profile = profileOf(watched.profile);
    // A profile that is gone takes what was known by it along, and a version that nobody asks any more is forgotten: the blob must not grow for ever.
    if (profile === undefined || isForgotten(watched, judged.toMs)) judged.watched.delete(key);
    else for (const size of SIZES) reports.push(...close(watched, size, judged.toMs, profile));
  }
  return reports;
}

function add(watched: Watched, size: WindowSize, hourMs: number, { counts, endings }: HourOf, profile: Profile): void {
  const fromMs = size === '24h' ? Math.floor(hourMs / DAY_MS) * DAY_MS : hourMs;
  const window = watched.open[size] ?? { fromMs, inputs: noInputs(profile), endings: noEndings() };
  watched.open[size] = window;
  addInputs(window.inputs, counts);
  addEndings(window.endings, endings);
}

function close(watched: Watched, size: WindowSize, nowMs: number, profile: Profile): readonly DriftReport[] {
  const window = watched.open[size];
  if (window === undefined) return [];
  const isOver =
    size === '24h'
      ? nowMs >= window.fromMs + DAY_MS
      : window.inputs.rows >= LEAST_ROWS || nowMs >= window.fromMs + DAY_MS;
  if (!isOver) return [];
  const asked = { ...about(watched), size, toMs: nowMs };
  const { report, remember } = reportOf(asked, profile, window, watched.before[size] ?? NOTHING_BEFORE);
  watched.before[size] = remember;
  watched.latest[size] = report;
  delete watched.open[size];
  return [report];
}

function isForgotten({ open, latest }: Watched, nowMs: number): boolean {
  const newestMs = Math.max(...Object.values(latest).map(({ toMs }) => toMs), 0);
  return open['1h'] === undefined && open['24h'] === undefined && newestMs < nowMs - FORGOTTEN_MS;
}

const about = ({ model, version, profile }: Pick<Watched, 'model' | 'version' | 'profile'>) => ({
  model,
  version,
  profile,
});

/** Where a report lies that is kept as long as windows are. */
export const reportPath = ({ model, version, size, fromMs }: DriftReport) =>
  `windows/drift/${model}/${version}/${size}/${new Date(fromMs).toISOString()}.json`;

/** The same state is the same bytes. */
export function storeJudged({ toMs, watched }: Judged): string {
  return JSON.stringify({ schema: DRIFT_SCHEMA, to_ms: toMs, watched: [...watched.values()] });
}

/** @returns undefined where nothing was judged yet @throws NewerState */
export async function readJudged(
  blobs: Blobs,
  signal: AbortSignal,
): Promise<{ readonly judged: Judged; readonly etag: string } | undefined> {
  try {
    const { text, etag } = await blobs.readText(JUDGED_PATH, signal);
    const stored = JSON.parse(text) as { readonly to_ms: number; readonly watched: readonly Watched[] };
    checkSchema(stored, JUDGED_PATH);
    const watched = new Map(stored.watched.map(each => [watchedKey(each), each]));
    return { judged: { toMs: stored.to_ms, watched }, etag };
  } catch (thrown) {
    if (thrown instanceof BlobGone) return undefined;
    throw thrown;
  }
}
