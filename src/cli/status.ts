import { Command } from 'commander';
import { eventHubsConnection, modelStorageConnection } from '../config/connection.ts';
import { asError } from '../core/errors.ts';
import { commandSettings } from './environment.ts';
import { placeOf } from './event-hubs.ts';
import { jsonLine } from './printable.ts';
import type { Status } from './status/judge.ts';
import { columnsOf, paintFor, type Terminal } from './terminal.ts';

interface Options {
  readonly json?: boolean;
  readonly url?: string;
  readonly lag: number;
}

const HELP = `
Lag and times come from the hubs, versions from storage, breakers and throttling from the app's /metrics: its --url, with its key in FUNCTIONS_KEY. On Azure Functions
instances share no memory, so what answers there may not be what scores: the alert circuit-open sees all of them.
Exit status 0: nothing to do; 2: someone must act, and each line says where that is explained; 1: it cannot be seen.

Examples:
  $ npx hubscore status
  $ npx hubscore status --json | jq .trouble`;

/** `hubscore status` */
export function statusCommand(terminal: Terminal): Command {
  return new Command('status')
    .summary('say on one screen how it is, and whether someone must act')
    .description('Says on one screen how it is, and whether someone must act.')
    .option('--json', 'one JSON document')
    .option('-u, --url <url>', "the app's address (default: that of the local host)")
    .option('--lag <events>', 'waiting requests a partition beyond which someone must act', Number, 1000)
    .addHelpText('after', HELP)
    .action((options: Options) => status(terminal, options));
}

async function status(terminal: Terminal, options: Options): Promise<void> {
  const { stdout, signal, environment } = terminal;
  const [
    { openReader },
    { countDeadLetters, lookAtPartitions },
    { lookAtModels },
    { judge },
    { openStore },
    { createBlobs },
  ] = await Promise.all([
    import('../app/open-events.ts'),
    import('./status/look.ts'),
    import('./status/serving.ts'),
    import('./status/judge.ts'),
    import('./model-room.ts'),
    import('../azure/blobs.ts'),
  ]);
  const settings = commandSettings(environment, terminal.folder);
  const connection = eventHubsConnection(settings);
  const open = (hub: string) => openReader(connection, hub, settings.RECOVERY_CONSUMER_GROUPS);
  const hubs = {
    requests: open(settings.REQUESTS_HUB),
    results: open(settings.RESULTS_HUB),
    deadLetters: open(settings.DEAD_LETTER_HUB),
  };
  const letters = open(settings.DEAD_LETTER_HUB); // a reader reads a partition for one at a time
  const monitor = createBlobs(modelStorageConnection(settings), settings.MONITOR_CONTAINER);
  const nowMs = Date.now();
  try {
    const [partitions, models, dead_letters, app] = await Promise.all([
      lookAtPartitions(hubs, monitor, signal),
      openStore(settings).then(store => lookAtModels(store, signal)),
      countDeadLetters(letters, nowMs, signal),
      lookAtApp(terminal, options.url),
    ]);
    const seen = { at: new Date(nowMs).toISOString(), partitions, models, ...app, dead_letters };
    const found: Status = { ...seen, trouble: judge(seen, options.lag) };
    if (options.json) stdout.write(`${jsonLine(found)}\n`);
    else {
      const { showStatus } = await import('./status/show.ts');
      const place = placeOf(settings.REQUESTS_HUB, settings.EventHubs__fullyQualifiedNamespace ?? 'localhost');
      for (const line of showStatus(found, place, columnsOf(stdout), paintFor(stdout))) stdout.write(`${line}\n`);
    }
    if (found.trouble.length > 0) terminal.setExitCode(2);
  } finally {
    await Promise.allSettled([...Object.values(hubs), letters].map(hub => hub.close()));
  }
}

async function lookAtApp(
  { environment, signal }: Terminal,
  given?: string,
): Promise<Pick<Status, 'app' | 'app_unknown'>> {
  const url = given ?? `http://localhost:${environment.FUNCTIONS_PORT ?? '7071'}`;
  const { askApp } = await import('./status/app-metrics.ts');
  try {
    return { app: await askApp(url, environment.FUNCTIONS_KEY, signal) };
  } catch (thrown) {
    return {
      app_unknown: `breakers and throttling are not known: ${url} does not answer (${asError(thrown).message})`,
    };
  }
}
