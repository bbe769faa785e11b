import type { Writable } from 'node:stream';
import { Command } from 'commander';
import { eventHubsConnection } from '../config/connection.ts';
import { isPassedOver } from '../core/codec.ts';
import type { PartitionVerdict, VerifyProgress } from '../ledger/verify.ts';
import { commandSettings } from './environment.ts';
import { jsonLine } from './printable.ts';
import { readTime } from './read-time.ts';
import { isSound, isSoundButForRepeats, showVerdict } from './show-verdict.ts';
import { columnsOf, paintFor, type Terminal } from './terminal.ts';

interface Options {
  readonly from?: Date;
  readonly to?: Date;
  readonly list: number;
  readonly json?: boolean;
}

const EXAMPLES = `
Exit status 0: every request has exactly one ending, in order; 3: the same, but some endings stand twice under their result_id; 1: not so.
Requests that are being scored meanwhile count as missing: while they come, leave out the last moment (--to 30s).

Examples:
  $ npx hubscore verify                     all that the hubs hold
  $ npx hubscore verify --from 1h --to 30s  the last hour while traffic runs`;

/** `hubscore verify` */
export function verifyCommand(terminal: Terminal): Command {
  return new Command('verify')
    .summary('prove that every request has exactly one ending')
    .description('Holds requests against results and dead letters, partition by partition.')
    .option('-f, --from <time>', 'requests from this time or age on (2026-11-21T09:00Z, 2h)', readTime)
    .option('-t, --to <time>', 'requests before this time or age', readTime)
    .option('-n, --list <number>', 'ids named of each kind of fault', Number, 10)
    .option('--json', 'one JSON object a partition')
    .addHelpText('after', EXAMPLES)
    .action((options: Options) => verifyEndings(terminal, options));
}

async function verifyEndings(terminal: Terminal, options: Options): Promise<void> {
  const { stdout, stderr, signal } = terminal;
  const [{ openReader }, { verify }, { createDecoder }, { storedInputs }, { openStore }, { openCodecs }] =
    await Promise.all([
      import('../app/open-events.ts'),
      import('../ledger/verify.ts'),
      import('../codecs/decoder.ts'),
      import('./stored-inputs.ts'),
      import('./model-room.ts'),
      import('../app/open-codecs.ts'),
    ]);
  const settings = commandSettings(terminal.environment, terminal.folder);
  const open = (hub: string) => openReader(eventHubsConnection(settings), hub, settings.RECOVERY_CONSUMER_GROUPS);
  const hubs = {
    requests: open(settings.REQUESTS_HUB),
    results: open(settings.RESULTS_HUB),
    deadLetters: open(settings.DEAD_LETTER_HUB),
  };
  const warn = (message: string) => void stderr.write(`${message}\n`);
  const decoder = createDecoder(
    openCodecs(settings, Date.now),
    storedInputs(() => openStore(settings), settings.DEFAULT_MODEL, signal, warn),
  );
  const progress = createProgress(stderr);
  let verdicts: PartitionVerdict[];
  try {
    verdicts = await verify(
      {
        hubs,
        fromMs: options.from?.getTime(),
        toMs: options.to?.getTime(),
        readRecords: async event => (await decoder.decode(event)).map(isPassedOver),
        onProgress: progress.report,
        maxListed: options.list,
      },
      signal,
    );
  } finally {
    progress.end();
    await Promise.allSettled(Object.values(hubs).map(hub => hub.close()));
  }
  if (options.json) for (const verdict of verdicts) stdout.write(`${jsonLine(verdict)}\n`);
  else for (const line of showVerdict(verdicts, paintFor(stdout), columnsOf(stdout))) stdout.write(`${line}\n`);
  if (!verdicts.every(isSound)) terminal.setExitCode(verdicts.every(isSoundButForRepeats) ? 3 : 1);
}

const EVERY_MS = { terminal: 200, elsewhere: 5000 };

/** How far it has come: one line that renews itself on a terminal, now and then a line anywhere else. */
function createProgress(stderr: Writable & { readonly isTTY?: boolean }) {
  const partitions = new Map<string, VerifyProgress>();
  const everyMs = stderr.isTTY ? EVERY_MS.terminal : EVERY_MS.elsewhere;
  let saidAtMs = performance.now();
  return {
    report(progress: VerifyProgress): void {
      partitions.set(progress.partition, progress);
      if (performance.now() - saidAtMs < everyMs) return;
      saidAtMs = performance.now();
      const sum = (kind: 'requests' | 'endings') =>
        [...partitions.values()].reduce((total, each) => total + each[kind], 0).toLocaleString('en-US');
      const text = `read ${sum('requests')} requests, ${sum('endings')} endings`;
      stderr.write(stderr.isTTY ? `\r${text}\x1b[K` : `${text}\n`);
    },
    end(): void {
      if (stderr.isTTY) stderr.write('\r\x1b[K');
    },
  };
}
