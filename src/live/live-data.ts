import { createHash } from 'node:crypto';
import type { ModelSummary } from '../core/catalog.ts';
import { asError } from '../core/errors.ts';
import type { HubReader } from '../core/hub-reader.ts';
import type { JobView } from '../core/job-service.ts';
import type { Clock } from '../core/log.ts';
import { LATE, within } from '../core/waiting.ts';
import type { AuditRecord } from '../rollouts/audit-record.ts';
import type { DeploymentDocument } from '../rollouts/document.ts';
import { countsOf, type SweptCounts, type SweptPartition } from '../sweep/read-counts.ts';
import { statusOf } from '../verdicts/status.ts';
import { backlogOf, readRanges } from './backlog.ts';
import { figuresOf, ratesOf } from './figures.ts';
import type { ReadLastDay } from './last-day.ts';

export interface LiveDataOptions {
  /** Names of the hubs. */
  readonly hubs: { readonly requests: string; readonly results: string; readonly deadLetters: string };
  /** Counts what came since the last time. @returns events not counted yet by hub; undefined where it was another instance's turn */
  sweep(): Promise<Readonly<Record<string, number>> | undefined>;
  /** When the hubs were last swept, whoever did it, milliseconds since the epoch. */
  sweptAt(signal: AbortSignal): Promise<number | undefined>;
  states(signal: AbortSignal): Promise<readonly SweptPartition[]>;
  readonly lastDay: ReadLastDay;
  labels(signal: AbortSignal): Promise<SweptCounts['labels']>;
  readonly requests: HubReader;
  documents(signal: AbortSignal): Promise<ReadonlyMap<string, DeploymentDocument>>;
  /** Who changed a model last, and what. */
  lastChange(model: string, signal: AbortSignal): Promise<AuditRecord | undefined>;
  models(): Promise<readonly ModelSummary[]>;
  jobs(signal: AbortSignal): Promise<readonly JobView[]>;
  /** What the drift monitor found last, a report a model, version and size of window; shown as it is. */
  drift(signal: AbortSignal): Promise<readonly object[]>;
  /** Circuit breakers of this instance, by target. */
  breakers(): Readonly<Record<string, string>>;
  readonly clock: Clock;
}

/** What the page shows, as JSON that is the same as long as nothing happens. */
export interface LiveData {
  readonly text: string;
  /** Tells one content from another. */
  readonly etag: string;
  /** Up to when the hubs were counted, milliseconds since the epoch; undefined: never. */
  readonly asOfMs: number | undefined;
}

/** Figures that are older are counted anew. */
const FRESH_MS = 2_000;
/** A watcher gets what there is rather than waiting longer for a sweep that has much to do. */
const WAIT_MS = 1_500;
/** All who watch at the same time share one look. */
const SHARED_MS = 1_000;
/** Jobs change slowly, and listing them reads several blobs each. */
const JOBS_MS = 5_000;
const MOST_JOBS = 20;
const DEADLINE_MS = 20_000;

/** @returns looks at what the sweep left, sweeping itself where that is old. What cannot be had beside it stands under `problems`; without the sweep's own blobs it throws. */
export function createLiveData(options: LiveDataOptions): () => Promise<LiveData> {
  const { clock, hubs } = options;
  const changes = new Map<string, { readonly revision: number; readonly record: AuditRecord | undefined }>();
  const jobsOf = shared(JOBS_MS, clock, () => options.jobs(AbortSignal.timeout(DEADLINE_MS)));
  let behind: Readonly<Record<string, number>> = {};
  let sweeping: Promise<Error | undefined> | undefined;

  /** Never rejects: what could not be counted leaves older figures. */
  function sweepOnce(): Promise<Error | undefined> {
    const run = async () => {
      try {
        behind = (await options.sweep()) ?? behind;
        return undefined;
      } catch (thrown) {
        return asError(thrown);
      } finally {
        sweeping = undefined;
      }
    };
    sweeping ??= run();
    return sweeping;
  }

  async function freshen(signal: AbortSignal): Promise<{ asOfMs: number | undefined; failure: Error | undefined }> {
    const before = await options.sweptAt(signal);
    if (before !== undefined && clock() - before < FRESH_MS) return { asOfMs: before, failure: undefined };
    const failure = await within(sweepOnce(), WAIT_MS);
    if (failure === LATE) return { asOfMs: before, failure: undefined };
    return { asOfMs: failure === undefined ? await options.sweptAt(signal) : before, failure };
  }

  async function lastChange(model: string, { revision, outbox }: DeploymentDocument, signal: AbortSignal) {
    const known = changes.get(model);
    if (known?.revision === revision) return known.record;
    // What waits to be appended to the trail is newer than it.
    const record = (outbox.at(-1) as AuditRecord | undefined) ?? (await options.lastChange(model, signal));
    changes.set(model, { revision, record });
    return record;
  }

  async function catalogOf(documents: ReadonlyMap<string, DeploymentDocument>, signal: AbortSignal) {
    const summaries = await options.models();
    return Promise.all(
      summaries.map(async ({ name, versions, aliases, production, loaded }) => {
        const document = documents.get(name);
        const record = document && (await lastChange(name, document, signal));
        const changed = record && { at: record.at, by: record.actor, action: record.action, revision: record.revision };
        return { name, versions, aliases, production, loaded, changed, quarantine: document?.quarantine };
      }),
    );
  }

  async function look(): Promise<LiveData> {
    const signal = AbortSignal.timeout(DEADLINE_MS);
    const before = await readRanges(options.requests, signal).catch(asError);
    const { asOfMs, failure } = await freshen(signal);
    const nowMs = clock();
    const states = await options.states(signal);
    const problems: { what: string; message: string }[] = [];
    if (before instanceof Error) problems.push({ what: 'backlog', message: before.message });
    if (failure !== undefined) problems.push({ what: 'counting', message: failure.message });
    const attempt = async <T>(what: string, none: T, read: () => Promise<T>): Promise<T> =>
      read().catch(thrown => {
        problems.push({ what, message: asError(thrown).message });
        return none;
      });
    const none: ReadonlyMap<string, DeploymentDocument> = new Map();
    const [hours, labels, documents, jobs, drift] = await Promise.all([
      options.lastDay(states, nowMs, signal),
      options.labels(signal),
      attempt('rollouts', none, () => options.documents(signal)),
      attempt('jobs', [], jobsOf),
      attempt('drift', [], () => options.drift(signal)),
    ]);
    const catalog = await attempt('models', [], () => catalogOf(documents, signal));
    const counts = countsOf(states, [hubs.results, hubs.deadLetters], labels);
    const rollouts = [...documents]
      .filter(([, { rollout }]) => rollout !== undefined)
      .map(([model, document]) => statusWithoutAge({ model, document, counts, nowMs, sweptAtMs: undefined }));
    const text = JSON.stringify({
      hubs,
      ...figuresOf(hours, nowMs),
      partitions: before instanceof Error ? [] : backlogOf(before, states),
      last_results: counts.last[hubs.results]?.toReversed() ?? [],
      last_dead_letters: counts.last[hubs.deadLetters]?.toReversed() ?? [],
      rates: ratesOf(counts.short),
      catalog,
      rollouts,
      drift,
      jobs: jobs.slice(0, MOST_JOBS),
      breakers: options.breakers(),
      behind: Object.values(behind).reduce((sum, events) => sum + events, 0),
      unsure: counts.unsure,
      lost: counts.lost,
      problems: problems.sort((one, other) => (one.what < other.what ? -1 : 1)),
    });
    return { text, etag: `W/"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"`, asOfMs };
  }
  return shared(SHARED_MS, clock, look);
}

/** How old the counts are changes with every look; it is told beside the data. */
function statusWithoutAge(of: Parameters<typeof statusOf>[0]) {
  const { sweep: _, ...status } = { sweep: undefined, ...statusOf(of) };
  return status;
}

/** One run at a time, whose outcome holds for a while; a failure for nobody but those who waited for it. */
function shared<T>(forMs: number, clock: Clock, run: () => Promise<T>): () => Promise<T> {
  let current: { readonly value: Promise<T>; untilMs: number } | undefined;
  return () => {
    if (current !== undefined && clock() < current.untilMs) return current.value;
    const mine = { value: run(), untilMs: Number.POSITIVE_INFINITY };
    current = mine;
    mine.value.then(
      () => {
        mine.untilMs = clock() + forMs;
      },
      () => {
        mine.untilMs = 0;
      },
    );
    return mine.value;
  };
}
