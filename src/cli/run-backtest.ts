import { createWriteStream } from 'node:fs';
import { resolve } from 'node:path';
import { finished } from 'node:stream/promises';
import { modelStorageConnection } from '../config/connection.ts';
import type { Settings } from '../config/settings.ts';
import { asError, InfrastructureError } from '../core/errors.ts';
import type { ModelVersion } from '../core/model.ts';
import type { ModelCatalog } from '../models/catalog.ts';
import type { Pair } from '../shadow/pairs.ts';
import { commandSettings } from './environment.ts';
import { openStore } from './model-room.ts';
import { jsonLine, printable } from './printable.ts';
import { showBacktest } from './show-pairs.ts';
import { findStored } from './stored-model.ts';
import { CommandError, paintFor, Refusal, type Terminal } from './terminal.ts';
import { readCaptureWindow, readHubWindow } from './window-events.ts';
import { withCatalog } from './with-catalog.ts';

export interface BacktestCommandOptions {
  readonly against?: string;
  readonly from?: Date;
  readonly to?: Date;
  readonly capture?: string;
  readonly maxFlips?: number;
  readonly flips?: string;
  readonly json?: boolean;
}

const SILENT = { info() {}, warn() {}, error() {} };
/** Flips that are shown. */
const SHOWN = 20;

/** `hubscore backtest NAME VERSION`: exit status 0 within --max-flips, 2 beyond; without it 0 pass, 2 fail, 3 undecided. */
export async function runBacktest(
  terminal: Terminal,
  name: string,
  asked: string,
  options: BacktestCommandOptions,
): Promise<void> {
  const { signal, stdout, stderr } = terminal;
  const settings = commandSettings(terminal.environment, terminal.folder);
  const window = { fromMs: options.from?.getTime() ?? 0, toMs: options.to?.getTime() ?? Date.now() };
  const [{ createBlobs }, { backtest }, { readLabels }, { lineOf }, { judgePairs }, { createVersionScorer }] =
    await Promise.all([
      import('../azure/blobs.ts'),
      import('../shadow/backtest.ts'),
      import('../shadow/labels.ts'),
      import('../shadow/pairs.ts'),
      import('../shadow/verdict.ts'),
      import('../app/open-version-scorer.ts'),
    ]);
  const store = await openStore(settings);
  const monitor = createBlobs(modelStorageConnection(settings), settings.MONITOR_CONTAINER);
  const labelOf = await readLabels(monitor, name, window.fromMs, signal);
  const stored = await Promise.all([asked, options.against].map(version => findStored(store, name, version, signal)));
  const [wanted, against] = stored.map(found => found.stored.version) as [string, string];
  const flipped: string[] = [];
  const file = options.flips === undefined ? undefined : createWriteStream(resolve(terminal.folder, options.flips));
  const onFlip = (pair: Pair) => {
    const line = lineOf(pair);
    if (flipped.length < SHOWN) flipped.push(line);
    file?.write(`${line}\n`);
  };
  let missingBefore: number | undefined;
  const done = await withCatalog(settings, store, { log: SILENT, signal }, async catalog => {
    const [candidate, baseline] = await Promise.all([wanted, against].map(version => load(catalog, name, version)));
    const eachBlock = async (work: Parameters<typeof readHubWindow>[3]) => {
      if (options.capture !== undefined) await readCaptureWindow(terminal, settings, options.capture, window, work);
      else missingBefore = await readHubWindow(settings, window, signal, work);
    };
    const [ours, theirs] = await Promise.all(
      [candidate, baseline].map(version => createVersionScorer(settings, catalog, version as ModelVersion)),
    );
    return backtest(
      {
        ...{ eachBlock, labelOf, onFlip, candidate: ours as NonNullable<typeof ours> },
        baseline: theirs as NonNullable<typeof theirs>,
        onBlock: progress(stderr),
      },
      signal,
    );
  });
  if (file !== undefined) await finished(file.end());
  const { tally, labels } = done;
  if (tally.pairs === 0)
    throw new CommandError(
      `no request for ${name} in that time was answered by ${against}`,
      missing(settings, options) ?? 'Give another time.',
    );
  const { verdict, triggers } = judgePairs(tally, labels);
  const share = tally.flips / tally.pairs;
  const said = {
    ...{ model: name, version: wanted, against, compared: tally.pairs, flips: tally.flips, share },
    ...{ errors: tally.errors, unpaired: tally.unpaired, verdict, triggers },
    labels: {
      ...{ labelled: labels.labelled, right: labels.candidateRight, against_right: labels.baselineRight },
      ...{ only_right: labels.onlyCandidate, only_against_right: labels.onlyBaseline },
    },
    from: new Date(window.fromMs).toISOString(),
    to: new Date(window.toMs).toISOString(),
    source: options.capture === undefined ? settings.REQUESTS_HUB : options.capture,
    ...(missingBefore !== undefined && { missing_before: new Date(missingBefore).toISOString() }),
    flipped: flipped.map(line => JSON.parse(line) as Record<string, unknown>),
  };
  if (options.json) stdout.write(`${jsonLine(said)}\n`);
  else for (const line of showBacktest(said, paintFor(stdout))) stdout.write(`${line}\n`);
  const { maxFlips } = options;
  if (maxFlips === undefined) terminal.setExitCode(verdict === 'pass' ? 0 : verdict === 'fail' ? 2 : 3);
  else if (share > maxFlips) terminal.setExitCode(2);
}

async function load(catalog: ModelCatalog, name: string, version: string): Promise<ModelVersion> {
  const { versionAsked } = await import('../app/open-version-scorer.ts');
  try {
    return await versionAsked(catalog, name, version);
  } catch (thrown) {
    if (thrown instanceof InfrastructureError) throw thrown;
    throw new Refusal(`${name} ${version} does not load: ${asError(thrown).message}`, 'Nothing was compared.', {
      cause: thrown,
    });
  }
}

function missing({ REQUESTS_HUB }: Settings, { capture }: BacktestCommandOptions): string | undefined {
  return capture === undefined
    ? `${REQUESTS_HUB} keeps events for as long as its retention says; --capture reads older ones from Capture's files.`
    : undefined;
}

const EVERY_MS = 2_000;

function progress(stderr: Terminal['stderr']) {
  let saidAtMs = performance.now();
  return ({ pairs, flips }: { readonly pairs: number; readonly flips: number }) => {
    if (performance.now() - saidAtMs < EVERY_MS) return;
    saidAtMs = performance.now();
    stderr.write(
      `${printable(`${pairs.toLocaleString('en-US')} compared, ${flips.toLocaleString('en-US')} differ`)}\n`,
    );
  };
}
