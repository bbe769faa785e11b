import { randomUUID } from 'node:crypto';
import { BlobConflict, BlobGone, type Blobs } from '../core/blobs.ts';
import type { HubReader } from '../core/hub-reader.ts';
import type { Clock, Log } from '../core/log.ts';
import { someAtOnce } from '../core/some-at-once.ts';
import { NewerState } from '../sweep/partition-state.ts';
import { claimTurn } from '../sweep/turn.ts';
import { noEndings } from './counts.ts';
import { type HourOf, JUDGED_PATH, type Judged, readJudged, reportPath, storeJudged, takeHour } from './judged.ts';
import { type EndingsByVersion, readEndings } from './read-endings.ts';
import { hourPath, readRequests } from './read-requests.ts';
import type { DriftReport } from './report.ts';
import { HOUR_MS, mergeVersions, restoreHour, type VersionInputs } from './state.ts';
import type { WatchedModels } from './watched-models.ts';

export interface DriftWatchOptions {
  readonly requests: HubReader;
  /** Names of the hubs of results and dead letters. */
  readonly endings: readonly string[];
  /** The container of what the app keeps for itself. */
  readonly blobs: Blobs;
  readonly models: (signal: AbortSignal) => Promise<WatchedModels>;
  /** Per cent of the requests. */
  readonly sample: number;
  readonly clock: Clock;
  readonly log: Log;
}

export interface DriftRun {
  /** Requests that were looked at. */
  readonly counted: number;
  readonly behind: number;
  /** Windows that were closed in this turn. */
  readonly closed: readonly DriftReport[];
  /** The newest of each version and size, of versions that are still asked. */
  readonly latest: readonly DriftReport[];
}

/** Reads requests, a share of them, and holds them by the hour and by the day against what models were trained on. */
export interface DriftWatch {
  /** @returns undefined where it is somebody else's turn, or no version has a profile */
  run(signal: AbortSignal): Promise<DriftRun | undefined>;
}

const DAY_MS = 24 * HOUR_MS;
const TURN = 'drift';
/** Less than a turn is. */
const BUDGET_MS = 7_000;
const PARTITIONS_AT_ONCE = 4;
/** The sweep closes its windows half a minute after the hour; without it nothing is known of answers, and inputs are judged alone. */
const ENDINGS_WAIT_MS = 2 * HOUR_MS;
/** Of a night that nobody ran. */
const HOURS_A_RUN = 48;

export function createDriftWatch(options: DriftWatchOptions): DriftWatch {
  const { requests, blobs, clock, log } = options;
  const holder = randomUUID();

  async function run(signal: AbortSignal): Promise<DriftRun | undefined> {
    const startedAtMs = clock();
    const models = await options.models(signal);
    if (models.versions.length === 0) return undefined;
    if (!(await claimTurn(blobs, TURN, holder, startedAtMs, signal))) return undefined;
    const untilMs = startedAtMs + BUDGET_MS;
    let [counted, behind, closedToMs] = [0, 0, Number.POSITIVE_INFINITY];
    const { createdAtMs: hubCreatedAtMs, partitions } = await requests.describe(signal);
    const { sample } = options;
    await someAtOnce(partitions, PARTITIONS_AT_ONCE, async partition => {
      for (;;) {
        const asked = { reader: requests, blobs, hubCreatedAtMs, models, sample, clock, untilMs };
        const read = await readRequests(partition, asked, signal);
        counted += read.counted;
        if (read.behind > 0 && read.counted > 0 && clock() < untilMs) continue;
        behind += read.behind;
        closedToMs = Math.min(closedToMs, read.closedToMs);
        return;
      }
    });
    const toMs = Math.floor(closedToMs / HOUR_MS) * HOUR_MS;
    return { counted, behind, ...(await judge(partitions, models, toMs, signal)) };
  }

  /** Takes in the hours that every partition has closed. Who finds that somebody else did has spoilt nothing: reports are the same bytes. */
  async function judge(
    partitions: readonly string[],
    models: WatchedModels,
    toMs: number,
    signal: AbortSignal,
  ): Promise<Pick<DriftRun, 'closed' | 'latest'>> {
    const there = await readJudged(blobs, signal);
    const judged = there?.judged ?? { toMs, watched: new Map() };
    const fromMs = judged.toMs;
    const profiles = new Map(models.versions.map(({ id, profile }) => [id, profile]));
    const closed: DriftReport[] = [];
    for (let hourMs = fromMs; hourMs < toMs && hourMs < fromMs + HOURS_A_RUN * HOUR_MS; hourMs += HOUR_MS) {
      const endings = await readEndings(blobs, options.endings, hourMs, signal);
      if (endings === undefined && clock() < hourMs + HOUR_MS + ENDINGS_WAIT_MS) break;
      const hours = hoursOf(await readHour(partitions, hourMs, signal), endings ?? new Map(), models);
      closed.push(...takeHour(judged, hourMs, hours, id => profiles.get(id)));
    }
    const latest = () => latestOf(judged).filter(report => isCurrent(report, clock()));
    if (there !== undefined && judged.toMs === fromMs) return { closed, latest: latest() };
    for (const report of closed) await blobs.writeText(reportPath(report), JSON.stringify(report), 'any', signal);
    await blobs.writeText(JUDGED_PATH, storeJudged(judged), there ? { etag: there.etag } : 'absent', signal);
    return { closed, latest: latest() };
  }

  async function readHour(
    partitions: readonly string[],
    hourMs: number,
    signal: AbortSignal,
  ): Promise<readonly VersionInputs[]> {
    const merged = new Map<string, VersionInputs>();
    for (const partition of partitions) {
      try {
        const { text } = await blobs.readText(hourPath(requests.hub, partition, hourMs), signal);
        mergeVersions(merged, restoreHour(text));
      } catch (thrown) {
        if (!(thrown instanceof BlobGone)) throw thrown;
      }
    }
    return [...merged.values()];
  }

  return {
    async run(signal) {
      try {
        return await run(signal);
      } catch (thrown) {
        if (thrown instanceof BlobConflict) return undefined;
        if (!(thrown instanceof NewerState)) throw thrown;
        log.warn(`drift is not watched: ${thrown.message}`);
        return undefined;
      }
    },
  };
}

/** Inputs and endings of an hour by version. Dead letters that no version was found for count for production. */
function hoursOf(
  inputs: readonly VersionInputs[],
  endings: EndingsByVersion,
  models: WatchedModels,
): readonly HourOf[] {
  return inputs.map(each => {
    const own = endings.get(`${each.model}\n${each.version}`) ?? noEndings();
    const lost = endings.get(`${each.model}\n`);
    if (lost === undefined || models.productionOf(each.model) !== each.version) return { ...each, endings: own };
    const deadLetters = { ...own.deadLetters };
    for (const [code, many] of Object.entries(lost.deadLetters)) deadLetters[code] = (deadLetters[code] ?? 0) + many;
    return { ...each, endings: { ...own, requests: own.requests + lost.requests, deadLetters } };
  });
}

/** Of every version by its newest profile. */
export function latestOf({ watched }: Judged): readonly DriftReport[] {
  return [...watched.values()].flatMap(({ latest }) => Object.values(latest));
}

/** A version that nobody asks any more has no next window that would end its alarm. */
function isCurrent({ size, toMs }: DriftReport, nowMs: number): boolean {
  return nowMs < toMs + (size === '1h' ? 1 : 2) * DAY_MS + 2 * HOUR_MS;
}
