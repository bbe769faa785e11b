import { readServingSettings, type ServingSettings } from '../config/config.ts';
import { unknownSettings } from '../config/unknown-settings.ts';
import { asError } from '../core/errors.ts';
import { type HttpReply, type HttpRequest, problem } from '../http/http.ts';
import type { RouteName } from '../http/routes.ts';
import { describeFailure, replyWithoutApi } from '../http/status.ts';
import type { LiveRequest } from '../live/live-api.ts';
import { describeLiveFailure, type LiveRoute } from '../live/routes.ts';
import { createParts } from './parts.ts';
import type { World } from './world.ts';

/** What the functions call. Each call builds the parts that it needs and are not there yet; without settings that parse, none. */
export interface App {
  /**
   * Resolves once every event of the host's batch has its endings. @throws Error: the host's retry policy brings the batch again.
   * @param invocation W3C traceparent of the host's invocation
   */
  scoreRequests(bodies: unknown, metadata: unknown, invocation?: string): Promise<void>;
  /** Scores what the host passed over in partitions that have fallen silent since. */
  fillHoles(): Promise<void>;
  /** Sends requests that ended as dead letters since the last run once more; nothing where there was none (the host says the year 1). */
  replayDeadLetters(lastRun: string | undefined): Promise<void>;
  /** Scores a chunk of a batch job: a message of their queue. Returns once the message may go. */
  scoreChunk(message: unknown): Promise<void>;
  /** Gives up the chunk of a message that the host brought too often. */
  failChunk(message: unknown): Promise<void>;
  /** Looks after batch jobs: what was lost, progress, deadlines. */
  tendJobs(): Promise<void>;
  /** Submits the jobs of templates that are due since the last run. */
  submitScheduled(lastRun: string | undefined): Promise<void>;
  /** Counts what came to results, dead letters and labels since the last time, and does with rollouts what that says. */
  sweep(): Promise<void>;
  /** Has shadows answer what production was asked since the last time. */
  shadow(): Promise<void>;
  /** Counts what models were asked since the last time, and holds it against what they were trained on. */
  watchDrift(): Promise<void>;
  /** Answers a request that came by one of `ROUTES`. Never throws. */
  answerHttp(route: RouteName, request: HttpRequest): Promise<HttpReply>;
  /** Answers a request of the live page, which came by one of `LIVE_ROUTES`. Never throws. */
  answerLive(route: LiveRoute, request: LiveRequest): Promise<HttpReply>;
  /** Builds ahead what is going to be called. Says what stands in the way; never throws. */
  warmUp(kind: 'scoring' | 'http'): Promise<void>;
  /** Lets running batches finish, then frees everything. */
  close(): Promise<void>;
}

export interface AppOptions extends World {
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * The composition root. Rooms are loaded where a part is built and not above, so that the host has its list of functions before libraries
 * are read, and so that an instance reads only what it uses: by HTTP no ledger is opened, for the stream no HTTP API is built.
 */
export function createApp({ environment, clock, log }: AppOptions): App {
  const world: World = { clock, log };
  const { part, close } = createParts(log);
  let read: ServingSettings | undefined;
  const serving = () => {
    if (read === undefined) {
      read = readServingSettings(environment);
      if (read.reason !== undefined) log.warn(`settings: ${read.reason}`);
      for (const words of unknownSettings(environment)) log.warn(`settings: ${words}`);
    }
    return read;
  };
  const settings = () => serving().settings;

  const telemetry = part(async lifetime => {
    const { settings: wanted, ignored } = serving();
    const { openTelemetry } = await import('./open-telemetry.ts');
    const watched = openTelemetry(wanted, world, lifetime);
    watched.observe({ ignoredSettings: ignored });
    return watched;
  });
  const models = part(async lifetime => {
    const [{ openModels }, watched] = await Promise.all([import('./open-models.ts'), telemetry()]);
    return openModels(settings(), { ...world, telemetry: watched }, lifetime);
  });
  const cache = part(async lifetime => {
    const [{ openCache }, { credentialOf }, watched] = await Promise.all([
      import('../cache/open-cache.ts'),
      import('../azure/credential.ts'),
      telemetry(),
    ]);
    const opened = await openCache(settings(), log, credentialOf);
    if (!opened) return undefined;
    const { cache, breaker, ignored } = opened;
    lifetime.free(cache.close);
    watched.observe({
      cache: () => cache.counts,
      ignoredSettings: ignored,
      ...(breaker && { breakers: () => ({ redis: breaker() }) }),
    });
    return cache;
  });
  const scoring = part(async () => {
    const [{ openScoring }, catalog, remembered] = await Promise.all([import('./open-scoring.ts'), models(), cache()]);
    return openScoring(settings(), { ...world, catalog, cache: remembered });
  });
  const guard = part(async lifetime => {
    const [{ openGuard }, catalog, scored, watched] = await Promise.all([
      import('./open-guard.ts'),
      models(),
      scoring(),
      telemetry(),
    ]);
    const parts = { ...world, catalog, scoring: scored, telemetry: watched };
    return openGuard(settings(), environment, parts, lifetime);
  });
  const events = part(async lifetime => {
    const wanted = settings();
    const { openEvents } = await import('./open-events.ts');
    return openEvents(wanted, log, lifetime);
  });
  const ledger = part(async lifetime => {
    const [{ openLedger }, hubs, guarded, watched] = await Promise.all([
      import('./open-ledger.ts'),
      events(),
      guard(),
      telemetry(),
    ]);
    return openLedger(settings(), { ...world, events: hubs, guard: guarded, telemetry: watched }, lifetime);
  });
  const batch = part(async lifetime => {
    const [{ openBatch }, watched] = await Promise.all([import('./open-batch.ts'), telemetry()]);
    return openBatch(settings(), environment, { ...world, telemetry: watched }, lifetime);
  });
  const jobs = part(async () => {
    const [{ openJobService }, catalog, watched] = await Promise.all([
      import('./open-batch.ts'),
      models(),
      telemetry(),
    ]);
    return openJobService(settings(), { ...world, catalog, telemetry: watched });
  });
  const sweeping = part(async lifetime => {
    const [{ openSweep }, watched] = await Promise.all([import('./open-sweep.ts'), telemetry()]);
    return openSweep(settings(), { ...world, telemetry: watched }, lifetime);
  });
  const shadowing = part(async lifetime => {
    const { openShadow } = await import('./open-shadow.ts');
    return openShadow(settings(), environment, world, lifetime);
  });
  const drift = part(async lifetime => {
    const [{ openDrift }, watched] = await Promise.all([import('./open-drift.ts'), telemetry()]);
    return openDrift(settings(), { ...world, telemetry: watched }, lifetime);
  });
  const http = part(async lifetime => {
    const [{ openHttp }, catalog, guarded, watched] = await Promise.all([
      import('./open-http.ts'),
      models(),
      guard(),
      telemetry(),
    ]);
    const service = async () => (await jobs()).jobs;
    const api = openHttp(settings(), { ...world, catalog, guard: guarded, telemetry: watched, jobs: service });
    lifetime.finish(() => api.settled());
    return api;
  });
  const live = part(async lifetime => {
    const [{ openLive }, catalog, watched, swept] = await Promise.all([
      import('./open-live.ts'),
      models(),
      telemetry(),
      sweeping(),
    ]);
    const service = async () => (await jobs()).jobs;
    const parts = { ...world, catalog, telemetry: watched, sweeping: swept, jobs: service };
    return openLive(settings(), parts, lifetime);
  });

  return {
    scoreRequests: async (bodies, metadata, invocation) => (await ledger()).scoreRequests(bodies, metadata, invocation),
    fillHoles: async () => (await ledger()).fillHoles(),
    async replayDeadLetters(lastRun) {
      const { BATCH_DEADLINE_SECONDS, REPLAY_CODES } = settings();
      const fromMs = Date.parse(lastRun ?? '');
      if (!(fromMs > 0)) return;
      const filter = { codes: REPLAY_CODES, fromMs, toMs: clock() };
      const report = await (await events()).replay(filter, AbortSignal.timeout(BATCH_DEADLINE_SECONDS * 1000));
      log.info(
        `replay: ${report.sent} of ${report.matched} dead letters sent back; left: ${JSON.stringify(report.left)}`,
      );
    },
    scoreChunk: async message => (await batch()).scoreChunk(message),
    failChunk: async message => (await batch()).failPoisoned(message),
    tendJobs: async () => (await batch()).tend(),
    submitScheduled: async lastRun => (await jobs()).submitScheduled(Date.parse(lastRun ?? '')),
    sweep: async () => void (await (await sweeping()).sweep()),
    shadow: async () => (await shadowing()).shadow(),
    watchDrift: async () => (await drift()).watchDrift(),
    async answerHttp(route, request) {
      const api = await http().catch(asError);
      if (!(api instanceof Error)) return api.answer(route, request);
      const reply = replyWithoutApi(route, api);
      if (reply.status >= 500) log.warn(`http: ${describeFailure(route, reply, api.message)}`);
      return reply;
    },
    async answerLive(route, request) {
      const api = await live().catch(asError);
      if (!(api instanceof Error)) return api.answer(route, request);
      const reply = problem(503, api.message);
      log.warn(`http: ${describeLiveFailure(route, reply)}`);
      return reply;
    },
    async warmUp(kind) {
      await (kind === 'http' ? http : ledger)().catch(thrown => {
        log.error(`the start failed: ${asError(thrown).message}`);
      });
    },
    close,
  };
}
