import { eventHubsConnection } from '../../config/connection.ts';
import type { Settings } from '../../config/settings.ts';
import { isPassedOver } from '../../core/codec.ts';
import type { Event } from '../../core/event.ts';
import { openAudit } from '../change-deployment.ts';
import { commandSettings } from '../environment.ts';
import { openStore } from '../model-room.ts';
import { jsonLine } from '../printable.ts';
import { storedInputs } from '../stored-inputs.ts';
import { CommandError, paintFor, type Terminal } from '../terminal.ts';
import { changeBefore, factsOf, requestShown, rolloutShown, unknownOf } from './describe.ts';
import { filesOf } from './files.ts';
import { showLineage } from './show.ts';
import { parseResultId, type ResultId, type Trace, traceResult } from './trace.ts';

const GROUPS = ['monitor', '$Default'];

/** `hubscore lineage RESULT_ID`: exit status 1 where nothing is found, 3 where the ending is not there. */
export async function lineage(terminal: Terminal, id: string, { json }: { readonly json?: boolean }): Promise<void> {
  const { signal, stdout } = terminal;
  const settings = commandSettings(terminal.environment, terminal.folder);
  const at = parseResultId(id);
  if (at === undefined || at.hub !== settings.REQUESTS_HUB)
    throw new CommandError(
      `${id} is no result_id of ${settings.REQUESTS_HUB}`,
      'Such as inference-requests/2/1841, as results have it; of requests by HTTP nothing is kept.',
    );
  const trace = await traceOf(settings, id, at, signal);
  if (trace.requests === 'never')
    throw new CommandError(`${id}: there never was such a request`, 'Its partition has not come so far.');
  if (trace.request === undefined && trace.ending === undefined)
    throw new CommandError(
      `${id}: its request and its ending are older than what the hubs keep`,
      'What it said cannot be known any more; Capture’s files have the request, where Capture was on.',
    );
  const facts = factsOf(trace);
  const own = trace.request && (await ownText(settings, terminal, trace.request, at));
  const model = facts?.model;
  const { records, document } = await documentOf(settings, model, signal);
  const files = await filesOf(settings, model, facts?.version, signal);
  const rollout = rolloutShown(trace, document);
  const body = facts?.body ?? {};
  const app = await appsAt(settings, facts?.scoredAt, signal);
  const said = {
    result_id: id,
    ending: trace.ending?.kind ?? null,
    ...{ model, version: facts?.version, requested_version: facts?.requestedVersion },
    road: roadOf(trace, at, body),
    ...{ files: files.hashes, card_sha256: files.hashes['model.json'], ...files.card, members: files.members },
    request: trace.request ? requestShown(at, trace.request, own) : null,
    result: trace.ending === undefined ? null : body,
    rollout,
    deployment: changeBefore(records, facts?.scoredAt),
    app,
    unknown: unknownOf(trace, facts, {
      ...{ isReplaced: files.isReplaced, hasFiles: Object.keys(files.hashes).length > 0 },
      ...{ state: rollout === null || rollout.candidate !== undefined, app: app !== undefined },
    }),
  };
  if (json) stdout.write(`${jsonLine(said)}\n`);
  else for (const line of showLineage(said, paintFor(stdout))) stdout.write(`${line}\n`);
  if (trace.ending === undefined) terminal.setExitCode(3);
}

async function traceOf(settings: Settings, id: string, at: ResultId, signal: AbortSignal): Promise<Trace> {
  const { openReader } = await import('../../app/open-events.ts');
  const open = (hub: string) => openReader(eventHubsConnection(settings), hub, GROUPS);
  const hubs = {
    requests: open(settings.REQUESTS_HUB),
    results: open(settings.RESULTS_HUB),
    deadLetters: open(settings.DEAD_LETTER_HUB),
  };
  try {
    return await traceResult(hubs, id, at, signal);
  } finally {
    await Promise.allSettled(Object.values(hubs).map(hub => hub.close()));
  }
}

/** The request alone, where its event carried several. */
async function ownText(
  settings: Settings,
  { signal, stderr }: Terminal,
  event: Event,
  { part }: ResultId,
): Promise<string | undefined> {
  if (part === undefined) return undefined;
  const [{ createDecoder }, { openCodecs }] = await Promise.all([
    import('../../codecs/decoder.ts'),
    import('../../app/open-codecs.ts'),
  ]);
  const warn = (message: string) => void stderr.write(`${message}\n`);
  const inputs = storedInputs(() => openStore(settings), settings.DEFAULT_MODEL, signal, warn);
  const found = (await createDecoder(openCodecs(settings, Date.now), inputs).decode(event))[part];
  return found === undefined || isPassedOver(found) ? undefined : found.text?.();
}

/** The builds of the app that ran when it was scored; undefined where nothing noted that. */
async function appsAt(settings: Settings, at: string | undefined, signal: AbortSignal) {
  if (at === undefined) return undefined;
  const [{ createBlobs }, { appsAt }, { modelStorageConnection }] = await Promise.all([
    import('../../azure/blobs.ts'),
    import('../../sweep/running-app.ts'),
    import('../../config/connection.ts'),
  ]);
  const monitor = createBlobs(modelStorageConnection(settings), settings.MONITOR_CONTAINER);
  const apps = await appsAt(monitor, Date.parse(at), signal);
  return apps.length === 0 ? undefined : apps.map(({ version, commit }) => ({ version, commit }));
}

async function documentOf(settings: Settings, model: string | undefined, signal: AbortSignal) {
  if (model === undefined) return { records: [], document: undefined };
  const [{ createBlobs }, { readLines, verifyTrail }, { readDocument }, { modelStorageConnection }, trail] =
    await Promise.all([
      import('../../azure/blobs.ts'),
      import('../../rollouts/audit-log.ts'),
      import('../../rollouts/change.ts'),
      import('../../config/connection.ts'),
      openAudit(settings),
    ]);
  const store = createBlobs(modelStorageConnection(settings), settings.MODELS_CONTAINER);
  const document = (await readDocument({ store, path: `${model}/deployment.json`, signal }))?.document;
  return { records: verifyTrail(await readLines(trail, model, signal), document).records, document };
}

/** How it came: what is out of the ordinary about it, the ordinary alone being `stream`. */
function roadOf({ request, ending }: Trace, { part }: ResultId, body: Readonly<Record<string, unknown>>): string[] {
  const roads = [
    ...(part === undefined ? [] : ['one of several in its event']),
    ...(Array.isArray(body.predictions) || Array.isArray(body.errors) ? ['pack'] : []),
    ...(body.cached === true ? ['cached'] : []),
    ...(body.fallback === true ? ['fallback'] : []),
    ...(body.degraded === true ? ['degraded'] : []),
    ...(ending?.event.properties.variant === undefined ? [] : [`rollout: ${String(ending.event.properties.variant)}`]),
    ...(Number(request?.properties.attempts ?? 1) > 1 ? ['replayed'] : []),
    ...(ending?.kind === 'dead-letter' ? ['dead letter'] : []),
  ];
  return roads.length === 0 ? ['stream'] : roads;
}
