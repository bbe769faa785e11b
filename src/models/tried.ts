import { InfrastructureError } from '../core/errors.ts';
import type { Clock, Log } from '../core/log.ts';
import { abortable } from '../core/waiting.ts';
import { createMarks, type Deaths } from './marks.ts';
import type { GatheredVersion } from './open-version.ts';
import { type Trial, tryApart } from './trial.ts';
import { type Passed, type Refused, type Verdict, verdictKey } from './verdict.ts';
import { createVerdicts, type SharedVerdicts } from './verdicts.ts';

/** Sees to it that this process opens no file that was not tried apart before, and none again that ended it. */
export interface TriedFiles {
  /**
   * Opens a version once it has passed, here or elsewhere, now or before.
   * @throws Error that names the file and why it may not serve; InfrastructureError where it cannot be tried.
   */
  open<T>(version: GatheredVersion, signal: AbortSignal, open: (found: Passed) => Promise<T>): Promise<T>;
  /** Ends what is being tried. */
  close(): void;
}

export interface TriedFilesOptions {
  readonly trial: Trial;
  /** The folder of the model cache. */
  readonly dir: string;
  /** Where other instances look; undefined: nowhere. */
  readonly shared?: SharedVerdicts | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

const FIRST_RETRY_MS = 30_000;
const LONGEST_RETRY_MS = 600_000;
/** The file passes by itself, and has ended this process all the same. */
const FATAL_DEATHS = 2;

export function createTriedFiles(options: TriedFilesOptions): TriedFiles {
  const { trial, clock, log } = options;
  const verdicts = createVerdicts(options);
  const marks = createMarks(options);
  const underWay = new Map<string, Promise<Verdict>>();
  const stopping = new AbortController();
  /** Files that are suspect are opened one after the other: a mark then is of the one that ended the process. */
  let suspects: Promise<unknown> = Promise.resolve();

  /** However many ask, and however soon they no longer want to know: a trial has a limit of its own, and what it finds is kept. */
  function tryOnce(key: string, version: GatheredVersion, before: Refused | undefined): Promise<Verdict> {
    let work = underWay.get(key);
    if (!work) {
      work = tryNow(key, version, before).finally(() => underWay.delete(key));
      underWay.set(key, work);
    }
    return work;
  }

  async function tryNow(key: string, version: GatheredVersion, before: Refused | undefined): Promise<Verdict> {
    const start = clock();
    const found = await tryApart(trial, version, stopping.signal, before !== undefined);
    const at = new Date(clock()).toISOString();
    const verdict = found.ok ? { ...found, at } : { ...found, at, tries: (before?.tries ?? 0) + 1 };
    await verdicts.keep(key, verdict);
    if (found.ok) log.info(`${version.titles.model}: tried in a process of its own in ${clock() - start} ms`);
    return verdict;
  }

  /** What is known of it, or is found out now. */
  async function judge(key: string, version: GatheredVersion, deaths: Deaths | undefined): Promise<Verdict> {
    if (deaths && !deaths.isTried) {
      log.warn(`${version.titles.model}: a process ended while it opened this file; it is tried apart once more`);
      const verdict = await tryOnce(key, version, undefined);
      await marks.tried(key, deaths);
      return verdict;
    }
    const found = await verdicts.find(key);
    if (!found) return tryOnce(key, version, undefined);
    const isDue = !found.ok && clock() >= Date.parse(found.at) + retryMs(found.tries ?? 1);
    return isDue ? tryOnce(key, version, found) : found;
  }

  return {
    async open(version, signal, open) {
      const key = verdictKey(version);
      const deaths = await marks.look(key);
      const verdict = await abortable(judge(key, version, deaths), signal);
      if (!verdict.ok) throw new Error(verdict.message);
      const opened = () => marks.during(key, deaths, () => open(verdict));
      if (!deaths) return opened();
      if (deaths.count >= FATAL_DEATHS && clock() < deaths.foundAtMs + retryMs(deaths.count - 1)) {
        throw new Error(
          `${version.titles.model}: ${deaths.count} processes in a row ended while they opened it, though it passes where it is tried; it is left alone for a while`,
        );
      }
      const turn = suspects.then(opened);
      suspects = turn.catch(() => {});
      return turn;
    },
    close: () => stopping.abort(new InfrastructureError('closing')),
  };
}

function retryMs(tries: number): number {
  return Math.min(FIRST_RETRY_MS * 2 ** (tries - 1), LONGEST_RETRY_MS);
}
