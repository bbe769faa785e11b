import { z } from 'zod';
import { ERROR_CODES } from '../core/errors.ts';
import {
  flag,
  list,
  listOf,
  listOrNone,
  number,
  oneOf,
  optionalSchedule,
  optionalText,
  optionalWhole,
  schedule,
  secrets,
  share,
  text,
  timeZone,
  whole,
} from './kinds.ts';

/**
 * Every setting the app reads, by the name of its environment variable (an app setting in Azure), with default and
 * description. The table in docs/settings.md is generated from it.
 */
export const settingsSchema = z.object({
  REQUESTS_HUB: text('Hub that requests come in by.').default('inference-requests'),
  RESULTS_HUB: text('Hub that results go out by; as many partitions as the requests hub.').default(
    'inference-requests-results',
  ),
  DEAD_LETTER_HUB: text('Hub for requests that cannot be scored; as many partitions as the requests hub.').default(
    'inference-dead-letter',
  ),
  LABELS_HUB: text('Hub that ground truth comes in by.').default('inference-labels'),
  CONSUMER_GROUP: text('Consumer group of the requests hub that the app reads by.').default('inference-consumer'),
  EventHubs: optionalText(
    'Connection string of the Event Hubs namespace; leave it out where a managed identity is used.',
  ),
  EventHubs__fullyQualifiedNamespace: optionalText(
    'Host name of the namespace, for a managed identity: `<name>.servicebus.windows.net`.',
  ),
  EventHubs__clientId: optionalText(
    'Client id of the user-assigned identity for Event Hubs; absent: the default credential.',
  ),
  EventHubs__credential: optionalText('`managedidentity` where the identity above is to be used.'),

  ModelStorage: optionalText(
    'Connection string of the storage account with the models; leave it out where a managed identity is used.',
  ),
  ModelStorage__blobServiceUri: optionalText('Blob endpoint of that account, for a managed identity.'),
  ModelStorage__clientId: optionalText(
    'Client id of the user-assigned identity for model storage; absent: the default credential.',
  ),
  ModelStorage__credential: optionalText('`managedidentity` where the identity above is to be used.'),
  MODELS_CONTAINER: text('Container with the models.').default('models'),
  AUDIT_CONTAINER: text(
    'Container, in the same account, with who changed what of which deployment and why: append blobs, to which nothing but the end is added.',
  ).default('audit'),
  MONITOR_CONTAINER: text(
    'Container, in the same account, with what the app keeps for itself: what trying models has shown, so that each is tried once and not by every instance.',
  ).default('monitor'),
  AzureWebJobsStorage: optionalText(
    "Connection string of the Functions host's own storage; its queue `batch-chunks` carries the work of batch jobs.",
  ),
  AzureWebJobsStorage__queueServiceUri: optionalText('Queue endpoint of that account, for a managed identity.'),
  AzureWebJobsStorage__clientId: optionalText(
    'Client id of the user-assigned identity for it; absent: the default credential.',
  ),
  BatchStorage: optionalText(
    'Connection string of the account that batch jobs read from and write to; absent, as well as its endpoint: that of the models.',
  ),
  BatchStorage__blobServiceUri: optionalText('Blob endpoint of that account, for a managed identity.'),
  BatchStorage__clientId: optionalText(
    'Client id of the user-assigned identity for it; absent: the default credential.',
  ),
  BatchStorage__credential: optionalText('`managedidentity` where the identity above is to be used.'),
  BATCH_CONTAINER: text('Container, in that account, with batch jobs: documents, records, reports, rejects.').default(
    'batch',
  ),
  BATCH_CHUNKS_IN_FLIGHT: whole(
    'Messages of one job that lie in the queue at once, so that jobs share the instances.',
    1,
    200,
  ),
  BATCH_RETRY_SECONDS: whole(
    'Before a chunk that failed is tried again; twice as long the time after, an hour at most. The third failure is the last.',
    0,
    600,
  ),
  BATCH_CHUNK_TIMEOUT_SECONDS: whole(
    'A chunk that takes longer is ended with its process, and counts as failed.',
    1,
    240,
  ),
  BATCH_SCHEDULE: optionalSchedule(
    'When the jobs of all templates are submitted (NCRONTAB; `0 0 2 * * *` is nightly at two); absent: never. Hour and day are meant in BATCH_TIME_ZONE.',
  ),
  BATCH_TIME_ZONE: timeZone('IANA name of the zone that BATCH_SCHEDULE and a job’s `{date}` are meant in.', 'UTC'),
  BATCH_KEEP_DAYS: whole(
    'For how long what of an ended job may hold personal data is kept: its list of rejects, and the parts of one that failed.',
    1,
    30,
  ),
  BATCH_WEBHOOK: optionalText(
    'URL (`https://`; `http://` on loopback only) that is sent a JSON document where a job is at risk, missed its deadline or failed; absent: none.',
  ),
  DEFAULT_MODEL: optionalText('Model for requests that name none; absent: the only model there is.'),
  SCHEMA_REGISTRY: optionalText(
    'Where schemas of Avro and JSON bodies are found: `<namespace>.servicebus.windows.net` (by identity), or the URL of a Confluent registry, `https://` (`http://` on loopback only).',
  ),
  SCHEMA_REGISTRY_AUTH: optionalText('`<key>:<secret>` for a Confluent registry, or a token; absent: none.'),
  REMOTE_HOSTS: listOrNone(
    "Hosts, by comma, of servers that models may be at (a card's `backend.url`): `models.example.com`, or `models.example.com:8080` for that port alone; none: no server is called.",
  ),
  REMOTE_TOKENS: secrets(
    'Tokens for such servers by the name that cards give them (`backend.token`), as JSON: `{"mlserver": "…"}`.',
  ),
  MODEL_REFRESH_SECONDS: whole('How often deployments and new versions are looked for.', 1, 30),
  DEPLOYMENT_CHECK_SECONDS: whole(
    "How old what is known of a model's deployment.json may be when a batch is routed by it; the check costs one request that brings no bytes. A rollback reaches every instance within this and a batch.",
    1,
    5,
  ),
  ROLLOUT_LEAD_SECONDS: whole(
    'How long before it takes effect a change of a rollout is announced, so that every instance knows it by then; at least twice DEPLOYMENT_CHECK_SECONDS.',
    1,
    15,
  ),
  MODEL_LOAD_TIMEOUT_SECONDS: whole(
    'A model not loaded by then is unavailable. The process that tries a file is ended after this long, too; that of a small one sooner.',
    1,
    60,
  ),
  MODEL_WAIT_SECONDS: whole(
    'How long requests wait for a model that storage does not answer for, or does not bring; then they end as `model_unavailable` and their partition goes on. 0: for as long as it takes.',
    0,
    60,
  ),
  MODEL_MEMORY_MB: whole(
    'Budget for loaded models; the least recently used go first. The process that tries a file may take as much for it (or three times the file and 256 MB, where that is more), and is ended where it takes more.',
    16,
    1024,
  ),
  MODEL_CACHE_DIR: optionalText(
    'Folder for downloaded models; absent: `hubscore-models` in LOCAL_DATA_DIR, else in the temporary directory.',
  ),
  MODEL_CACHE_MB: whole('Size of that folder; the least recently used files go first.', 16, 4096),
  LOCAL_DATA_DIR: optionalText(
    'Folder for what is kept on this machine, caches and temporary files among it; absent: the temporary directory (and `.local` for the local stack).',
  ),
  WORKER_THREADS: optionalWhole(
    'Processes for models that are too slow to run in-line, or that an input can keep at work for ever; absent: one less than the cores (of the machine, or of the container by its CPU limit), at least one. 0 runs everything in-line, where nothing can be ended.',
    0,
  ),
  INLINE_MAX_MS: number(
    'A model that takes no longer than this for 256 instances, tried before it serves, runs in-line; a slower one in a process of its own where a core is free.',
    0,
    1,
  ),
  WORKER_MIN_MS: number(
    'A model that takes longer than this runs in a process of its own even where no core is free: it would hold up everything else.',
    0,
    5,
  ),
  INFERENCE_TIMEOUT_SECONDS: whole(
    'The longest that one slice may run, in seconds; a process that takes longer is ended, and its rows run one by one.',
    1,
    60,
  ),
  INFERENCE_MEMORY_MB: whole(
    'By how much one slice may make the process that it runs in grow; one that grows more is ended, and its rows run one by one.',
    64,
    512,
  ),

  CACHE_ENTRIES: whole(
    'Predictions of identical instances kept in this process; 0 turns the result cache off. Models that take less than 5 µs an instance pass it by, since looking up costs more.',
    0,
    50_000,
  ),
  CACHE_MB: whole('Memory the result cache of this process may take.', 1, 64),
  CACHE_TTL_SECONDS: whole('How long a cached prediction is good for, from when it was made.', 1, 3600),
  REDIS_URL: optionalText(
    'Redis that all instances share cached predictions through: `rediss://<host>:<port>`, with a password in it, percent-encoded, or by the managed identity (REDIS_AUTH). One that cannot be read is left out.',
  ),
  REDIS_AUTH: oneOf(
    'How to sign in to Redis: `password` (in the URL, or none) or `entra` (the managed identity).',
    ['password', 'entra'],
    'password',
  ),
  REDIS_CLIENT_ID: optionalText('Client id of the user-assigned identity for Redis; absent: the default credential.'),

  HTTP_AUTH_LEVEL: oneOf(
    'Whether HTTP requests (all but `/v2/health` and `/live/assets`) need a function key; `anonymous` where something in front checks who asks.',
    ['function', 'anonymous'],
    'function',
  ),
  HTTP_MAX_CONCURRENT: whole('Inferences by HTTP under way at once; more are answered 503.', 1, 64),
  HTTP_MAX_BODY_MB: whole('Largest body of an inference request by HTTP.', 1, 8),
  HTTP_TIMEOUT_MS: whole('Longest time that an inference by HTTP may take; then it is answered 504.', 1, 30_000),

  APPLICATIONINSIGHTS_CONNECTION_STRING: optionalText(
    'Application Insights that metrics and traces go to; absent: they are shown at `GET /metrics` only.',
  ),
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: optionalText(
    '`Authorization=AAD;ClientId=<id>` where Application Insights takes a managed identity only.',
  ),
  APPLICATIONINSIGHTS_LIVE_METRICS: flag(
    'Whether the `applicationinsights` package is loaded once the first work is done: Live Metrics, exceptions, and calls by HTTP as dependencies.',
    true,
  ),
  TRACES_PER_SECOND: number(
    'Rows of traces a second, on average, that go to Application Insights, and as many again of batches with dead letters, and of dependencies; a batch is a row, and so is a request of it that is traced. 0.05 is 0.13 GB a month; 0 traces none.',
    0,
    0.05,
  ),

  RECOVERY_CONSUMER_GROUPS: list(
    'Consumer groups, in order of preference, by which the app reads the ends of results and dead letters and fills holes: on all three hubs, without an epoch. Where others read by these groups with an epoch (any event processor does), make a group of your own and name it here.',
    ['$Default', 'monitor'],
  ),
  INITIAL_POSITION: oneOf(
    'Where a partition without any result begins: `start`, with everything the requests hub holds; `batch`, with the first batch the host gives. Goes with `initialOffsetOptions` in host.json.',
    ['start', 'batch'],
    'start',
  ),
  BATCH_DEADLINE_SECONDS: whole(
    'A batch ends by then, with what is settled; shorter than `functionTimeout` in host.json, which would kill the process.',
    1,
    240,
  ),
  MAX_IN_FLIGHT_MB: whole(
    'Bodies of the events that are being scored at once, unpacked, and 1 KiB for each request they may hold, over all partitions.',
    1,
    64,
  ),
  SENDER: oneOf(
    'How results are sent: `direct` writes AMQP frames itself, `sdk` leaves it to @azure/event-hubs (5 times the CPU).',
    ['direct', 'sdk'],
    'direct',
  ),
  RESULT_FORMAT: oneOf(
    'What results are beside their JSON: `json`, or `cloudevents`: CloudEvents 1.0 in binary mode too, their attributes application properties `cloudEvents_…`.',
    ['json', 'cloudevents'],
    'json',
  ),
  SEND_TIMEOUT_SECONDS: whole(
    'Time for one send to be confirmed; after that its fate is unknown and the tail is read. With connecting and all else it is given up after half as long again.',
    1,
    20,
  ),
  SEND_RETRIES: whole('Tries of a send after the first one, before the host is asked to bring the batch again.', 0, 4),
  BREAKER_FAILURES: whole(
    'Failed calls after which a service is left alone: of a hub within a minute, of storage in a row.',
    1,
    5,
  ),
  BREAKER_RESET_SECONDS: whole('For how long it is left alone.', 1, 60),
  FILL_HOLES_SCHEDULE: schedule(
    'When partitions that fell silent are looked at for events the host passed over (NCRONTAB).',
    '0 */5 * * * *',
  ),
  FILL_HOLES_AFTER_SECONDS: whole(
    'A partition is silent after this long without a new ending; longer than `functionTimeout`, so that no function still works on it.',
    1,
    360,
  ),

  SWEEP_SCHEDULE: schedule(
    'When results, dead letters and labels are counted, and rollouts judged by that; and when shadows are asked (NCRONTAB).',
    '*/15 * * * * *',
  ),
  MONITOR_RETENTION_DAYS: whole(
    'How long windows of an hour and of a day are kept, with what was counted in them, and the pairs of shadows.',
    1,
    90,
  ),
  DRIFT_SCHEDULE: schedule(
    'When requests are read to be held against what models were trained on (NCRONTAB); nothing is read while no version has a profile.',
    '0 */5 * * * *',
  ),
  DRIFT_SAMPLE: share('The share of the requests that are looked at for drift, per cent, chosen by hash.', 25),
  LABEL_WINDOW_DAYS: whole(
    'How long a label waits for its request and may be corrected; predictions are kept for twice as long.',
    1,
    7,
  ),

  MAX_ATTEMPTS: whole('How often a request is tried at most, replays included.', 1, 3),
  REPLAY_SCHEDULE: optionalSchedule(
    'When dead letters since the last time are sent back to the requests hub (NCRONTAB: `0 0 * * * *` is hourly; once a minute at most, since the host does not say when the last time was otherwise); absent: never.',
  ),
  REPLAY_CODES: listOf('Which of them: codes of what may go better another time.', ERROR_CODES, [
    'unknown_model',
    'model_unavailable',
    'inference_failed',
    'unexpected',
  ]),

  REQUEST_TIMEOUT_MS: optionalWhole(
    'Time-out of requests that name none, from the time they were enqueued; absent: none. 60000 suits interactive use.',
    1,
  ),
});

export type Settings = z.infer<typeof settingsSchema>;
