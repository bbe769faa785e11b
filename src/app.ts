import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSettings, type Settings } from './config/config.ts';
import { type Connection, eventHubsConnection, modelStorageConnection } from './config/connection.ts';
import { InfrastructureError } from './core/errors.ts';
import type { Clock, Log } from './core/log.ts';
import type { Breaker } from './core/retry-policies.ts';
import { VERSION } from './core/version.ts';
import type { PartitionSender } from './events/sender.ts';
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
    { createHttpApi },
    models,
    events,
  ] = await Promise.all([
    import('./monitoring/telemetry.ts'),
    import('./pipeline/pipeline.ts'),
    import('./pipeline/dead-letter.ts'),
    import('./events/sender.ts'),
    import('./http/api.ts'),
    buildModels(settings, log, clock, load => telemetry.recordModelLoad(load)),
    buildEvents(settings, log),
  ]);
  const { catalog, closeModels } = models;
  const maxBodyBytes = MAX_BATCH_BYTES - ENVELOPE_BYTES;
  const telemetry = createTelemetry({
    connectionString: settings.APPLICATIONINSIGHTS_CONNECTION_STRING,
    authentication: settings.APPLICATIONINSIGHTS_AUTHENTICATION_STRING,
    tracesPerSecond: settings.TRACES_PER_SECOND,
    clock,
    log,
  });
  telemetry.observe({
    models: catalog.list,
    breakers: () => ({ results: events.breaker.state }),
    newest: async (partition, signal) => (await events.requests.range(partition, signal)).last,
  });
  const pipeline = createPipeline({ catalog, clock, requestTimeoutMs: settings.REQUEST_TIMEOUT_MS, maxBodyBytes, log });
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
      const batch = events.readBatch(bodies, metadata, source);
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
    async close() {
      await scorer.drain();
      await telemetry.close(); // its last look still asks the others
      await Promise.allSettled([events.close(), closeModels()]);
    },
  };
}

async function buildModels(settings: Settings, log: Log, clock: Clock, onLoad: OnLoad) {
  const [{ createCatalog }, { createBlobStore }, { connectContainer }, { createOnnxBackends }] = await Promise.all([
    import('./models/catalog.ts'),
    import('./models/blob-store.ts'),
    import('./models/connect.ts'),
    import('./backends/onnx/backends.ts'),
  ]);
  const backends = createOnnxBackends({
    threads: settings.WORKER_THREADS ?? Math.max(1, availableParallelism() - 1),
    inlineMaxMs: settings.INLINE_MAX_MS,
    log,
  });
  const connection = modelStorageConnection(settings);
  const catalog = createCatalog({
    store: createBlobStore(() => connectContainer(connection, settings.MODELS_CONTAINER)),
    openBackend: backends.open,
    clock,
    log,
    defaultModel: settings.DEFAULT_MODEL,
    refreshMs: settings.MODEL_REFRESH_SECONDS * 1000,
    loadTimeoutMs: settings.MODEL_LOAD_TIMEOUT_SECONDS * 1000,
    memoryBytes: settings.MODEL_MEMORY_MB * MIB,
    cacheDir: settings.MODEL_CACHE_DIR ?? join(tmpdir(), 'hubscore-models'),
    cacheBytes: settings.MODEL_CACHE_MB * MIB,
    onLoad,
  });
  const closeModels = async () => {
    await catalog.close();
    await backends.close();
  };
  return { catalog, closeModels };
}

interface Senders {
  readonly results: PartitionSender;
  readonly deadLetters: PartitionSender;
  /** What they share, once they are closed. */
  close(): Promise<void>;
}

type ScorerParts = 'score' | 'renderDeadLetter' | 'observer' | 'clock';

async function buildEvents(settings: Settings, log: Log) {
  const [
    { createScorer },
    { readBatch },
    { createSdkReader },
    { consumerClient },
    { createAdmission },
    { SendError },
    policies,
    errors,
  ] = await Promise.all([
    import('./events/scorer.ts'),
    import('./events/read-batch.ts'),
    import('./events/sdk-reader.ts'),
    import('./events/event-hubs.ts'),
    import('./events/admission.ts'),
    import('./events/sender.ts'),
    import('./core/retry-policies.ts'),
    import('./core/errors.ts'),
  ]);
  const connection = eventHubsConnection(settings);
  const reader = (hub: string) =>
    createSdkReader({
      hub,
      consumerGroups: settings.RECOVERY_CONSUMER_GROUPS.split(',').map(group => group.trim()),
      connect: group => consumerClient(connection, hub, group),
      blockSize: 256,
      idleTimeoutMs: 10_000,
    });
  const hubs = {
    requests: reader(settings.REQUESTS_HUB),
    results: reader(settings.RESULTS_HUB),
    deadLetters: reader(settings.DEAD_LETTER_HUB),
  };
  const senders = await openSenders(settings, connection);
  const breaker: Breaker = policies.createBreaker(
    { name: 'results hub', failures: settings.BREAKER_FAILURES, resetMs: settings.BREAKER_RESET_SECONDS * 1000, log },
    error => error instanceof SendError,
  );
  return {
    readBatch,
    breaker,
    requests: hubs.requests,
    createScorer: (parts: Pick<Parameters<typeof createScorer>[0], ScorerParts>) =>
      createScorer({
        ...parts,
        ledger: { hubs, initialPosition: settings.INITIAL_POSITION, log },
        consumerGroup: settings.CONSUMER_GROUP,
        senders,
        breaker,
        retry: policies.createRetry(
          { retries: settings.SEND_RETRIES, initialDelayMs: 200, maxDelayMs: 5_000 },
          error => error instanceof SendError || error instanceof errors.InfrastructureError,
        ),
        uncertainDelayMs: 1_000,
        admission: createAdmission(settings.MAX_IN_FLIGHT_MB * MIB),
        maxSliceBytes: (settings.MAX_IN_FLIGHT_MB * MIB) / 4,
        deadlineMs: settings.BATCH_DEADLINE_SECONDS * 1000,
        silentAfterMs: settings.FILL_HOLES_AFTER_SECONDS * 1000,
        log,
      }),
    async close() {
      await Promise.allSettled(
        [senders.results, senders.deadLetters, ...Object.values(hubs)].map(part => part.close()),
      );
    },
  };
}

async function openSenders(settings: Settings, connection: Connection): Promise<Senders> {
  if (settings.SENDER === 'sdk') {
    const [{ createSdkSender }, { producerClient }] = await Promise.all([
      import('./events/sdk-sender.ts'),
      import('./events/event-hubs.ts'),
    ]);
    const open = async (hub: string) => createSdkSender(await producerClient(connection, hub));
    return {
      results: await open(settings.RESULTS_HUB),
      deadLetters: await open(settings.DEAD_LETTER_HUB),
      close: async () => {},
    };
  }
  const [{ createAmqpSender }, { createAmqpConnection }, { namespaceAddress }] = await Promise.all([
    import('./events/amqp-sender.ts'),
    import('./events/amqp-connection.ts'),
    import('./events/namespace-address.ts'),
  ]);
  const amqp = createAmqpConnection(await namespaceAddress(connection));
  const open = (hub: string) => createAmqpSender(amqp, { hub, sendTimeoutMs: settings.SEND_TIMEOUT_SECONDS * 1000 });
  return { results: open(settings.RESULTS_HUB), deadLetters: open(settings.DEAD_LETTER_HUB), close: amqp.close };
}
