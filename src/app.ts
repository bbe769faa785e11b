import { availableParallelism } from 'node:os';
import { readSettings, type Settings } from './config/config.ts';
import { InfrastructureError } from './core/errors.ts';
import type { Clock, Log } from './core/log.ts';
import { VERSION } from './core/version.ts';
import type { HttpApi } from './http/api.ts';
import type { HttpReply, HttpRequest } from './http/http.ts';
import type { RouteName } from './http/routes.ts';
import { replyTo } from './http/status.ts';
import type { ModelCatalog } from './models/catalog.ts';
import type { OnLoad } from './models/residents.ts';
import type { Telemetry } from './monitoring/telemetry.ts';
import type { Pipeline } from './pipeline/pipeline.ts';

/** What the functions call. */
export interface App {
  readonly catalog: ModelCatalog;
  readonly pipeline: Pipeline;
  readonly telemetry: Telemetry;
  readonly http: HttpApi;
  /** Resolves once every event of the host's batch has its endings. @throws Error: the host's retry policy brings the batch again. */
  scoreRequests(bodies: unknown, metadata: unknown): Promise<void>;
  /** Scores what the host passed over in partitions that have fallen silent since. */
  fillHoles(): Promise<void>;
  /** Sends requests that ended as dead letters since the last run once more; nothing where there was none (the host says the year 1). */
  replayDeadLetters(lastRun: string | undefined): Promise<void>;
  /** Lets running batches finish, then frees everything. */
  close(): Promise<void>;
}

/** @throws ConfigurationError */
export const settings: Settings = readSettings(process.env);

let building: Promise<App> | undefined;

/** The one app of this worker; built at the first call, anew after a failure. */
export function getApp(): Promise<App> {
  building ??= buildApp(settings, consoleLog, Date.now);
  building.catch(() => {
    building = undefined;
  });
  return building;
}

export { ROUTES, type RouteName } from './http/routes.ts';

/** Answers a request that came by one of `ROUTES`; an app that cannot be built answers too. */
export async function answerHttp(route: RouteName, request: HttpRequest): Promise<HttpReply> {
  try {
    return await (await getApp()).http.answer(route, request);
  } catch (thrown) {
    return replyTo(thrown);
  }
}

/** Nothing to do where nothing was built. */
export async function closeApp(): Promise<void> {
  const app = await building?.catch(() => undefined);
  building = undefined;
  await app?.close();
}

/** The Functions host takes the console for its log. */
const consoleLog: Log = {
  info: message => console.info(message),
  warn: message => console.warn(message),
  error: message => console.error(message),
};

/** Room for the properties of a message beside its body, within what Event Hubs takes. */
const ENVELOPE_BYTES = 16_384;
const MIB = 1024 * 1024;

/** Rooms are loaded here and not above, so that the host has its list of functions before the libraries are read. */
async function buildApp(settings: Settings, log: Log, clock: Clock): Promise<App> {
  const [
    { createTelemetry },
    { createPipeline },
    { createDeadLetterRenderer },
    { MAX_BATCH_BYTES },
    { readBatch },
    { openEvents },
    { createHttpApi },
    { openCache },
    models,
  ] = await Promise.all([
    import('./monitoring/telemetry.ts'),
    import('./pipeline/pipeline.ts'),
    import('./pipeline/dead-letter.ts'),
    import('./events/sender.ts'),
    import('./events/read-batch.ts'),
    import('./events/open-events.ts'),
    import('./http/api.ts'),
    import('./cache/open-cache.ts'),
    buildModels(settings, log, clock, load => telemetry.recordModelLoad(load)),
  ]);
  const { catalog } = models;
  const events = await openEvents(settings, log);
  const maxBodyBytes = MAX_BATCH_BYTES - ENVELOPE_BYTES;
  const telemetry = createTelemetry({
    connectionString: settings.APPLICATIONINSIGHTS_CONNECTION_STRING,
    authentication: settings.APPLICATIONINSIGHTS_AUTHENTICATION_STRING,
    tracesPerSecond: settings.TRACES_PER_SECOND,
    clock,
    log,
  });
  const opened = await openCache(settings, log);
  telemetry.observe({
    models: catalog.list,
    breakers: () => ({
      results: events.breaker.state,
      storage: models.breaker.state,
      ...(opened?.breaker && { redis: opened.breaker() }),
    }),
    ...(opened && { cache: () => opened.cache.counts, ignoredSettings: opened.ignored }),
    newest: async (partition, signal) => (await events.requests.range(partition, signal)).last,
  });
  const pipeline = createPipeline({
    catalog,
    clock,
    requestTimeoutMs: settings.REQUEST_TIMEOUT_MS,
    maxBodyBytes,
    log,
    cache: opened?.cache,
  });
  const scorer = events.createScorer({
    score: pipeline.score,
    renderDeadLetter: createDeadLetterRenderer(maxBodyBytes, clock),
    observer: { settled: telemetry.recordBatch, ledger: telemetry.recordLedger },
    clock,
  });
  const http = createHttpApi({
    catalog,
    predict: pipeline.predict,
    record: telemetry.recordEnding,
    recordHttp: telemetry.recordHttp,
    prometheus: telemetry.prometheus,
    version: VERSION,
    maxBodyBytes: settings.HTTP_MAX_BODY_MB * MIB,
    maxConcurrent: settings.HTTP_MAX_CONCURRENT,
    timeoutMs: settings.HTTP_TIMEOUT_MS,
    clock,
    log,
  });
  void catalog.start();
  return {
    catalog,
    pipeline,
    telemetry,
    http,
    async scoreRequests(bodies, metadata) {
      const source = { hub: settings.REQUESTS_HUB, consumerGroup: settings.CONSUMER_GROUP };
      const batch = readBatch(bodies, metadata, source);
      try {
        await scorer.scoreBatch(batch);
      } catch (thrown) {
        telemetry.recordFailedBatch(batch, thrown instanceof InfrastructureError ? 'infrastructure' : 'unexpected');
        throw thrown;
      }
    },
    async fillHoles() {
      await scorer.fillSilentPartitions();
    },
    async replayDeadLetters(lastRun) {
      const fromMs = Date.parse(lastRun ?? '');
      if (!(fromMs > 0)) return;
      const filter = { codes: settings.REPLAY_CODES.split(','), fromMs, toMs: clock() };
      const report = await events.replay(filter, AbortSignal.timeout(settings.BATCH_DEADLINE_SECONDS * 1000));
      log.info(
        `replay: ${report.sent} of ${report.matched} dead letters sent back; left: ${JSON.stringify(report.left)}`,
      );
    },
    async close() {
      await scorer.drain();
      await telemetry.close(); // its last look still asks the others
      await Promise.allSettled([events.close(), models.close()]);
    },
  };
}

async function buildModels(settings: Settings, log: Log, clock: Clock, onLoad: OnLoad) {
  const [{ openCatalog }, { createOnnxBackends }] = await Promise.all([
    import('./models/open-catalog.ts'),
    import('./backends/onnx/backends.ts'),
  ]);
  const backends = createOnnxBackends({
    threads: settings.WORKER_THREADS ?? Math.max(1, availableParallelism() - 1),
    inlineMaxMs: settings.INLINE_MAX_MS,
    workerMinMs: settings.WORKER_MIN_MS,
    log,
  });
  const { catalog, breaker } = openCatalog(settings, { openBackend: backends.open, clock, log, onLoad });
  return {
    catalog,
    breaker,
    async close() {
      await catalog.close();
      await backends.close();
    },
  };
}
