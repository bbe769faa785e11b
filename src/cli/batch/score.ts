import { existsSync, readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { availableCores } from '../../backends/onnx/cores.ts';
import { REQUEST_ID } from '../../batch/capture/open-capture.ts';
import { outputFormatOf } from '../../batch/format.ts';
import { createPartWorker, type PartWorker } from '../../batch/local/part-worker.ts';
import { type ScoredFiles, scoreFiles } from '../../batch/local/score-files.ts';
import { BatchRefusal } from '../../batch/problems.ts';
import type { BatchOptions } from '../../batch/range.ts';
import { reportLines, reportOf } from '../../batch/report.ts';
import { createDecoder } from '../../codecs/decoder.ts';
import type { Settings } from '../../config/settings.ts';
import type { ModelVersion } from '../../core/model.ts';
import type { Profile } from '../../drift/profile.ts';
import { NO_CARD, parseCard } from '../../models/card.ts';
import { type ModelFiles, openModelFiles } from '../../models/open-files.ts';
import { createTableScorer } from '../../scoring/table.ts';
import { commandSettings } from '../environment.ts';
import { locateModel } from '../locate-model.ts';
import { printable } from '../printable.ts';
import { withScratch } from '../scratch.ts';
import { CommandError, Refusal, type Terminal } from '../terminal.ts';
import { type Inputs, openInputs } from './inputs.ts';
import { createProgress } from './progress.ts';
import type { ScoreOptions } from './score-options.ts';
import { openTarget, type Target } from './target.ts';

const MIB = 1024 * 1024;
/** Less than this is scored before another process is there, and warm: plain numbers, of which one does 200 MB a second; texts; files of columns, which are dense. */
const WORTH_A_PROCESS_BYTES = { plain: 96 * MIB, texts: 32 * MIB, columns: 8 * MIB };
/** Models in larger files do not run in-line. */
const LIGHT_MODEL_BYTES = 2 * MIB;
const QUIET = { info() {}, warn() {}, error() {} };

/** `hubscore batch score INPUT OUTPUT`: files scored on this machine; the output appears whole or not at all. */
export async function scoreFilesHere(
  terminal: Terminal,
  input: string,
  output: string,
  options: ScoreOptions,
): Promise<void> {
  const settings = commandSettings(terminal.environment, terminal.folder);
  if (output === '-' && options.format === 'parquet')
    throw new CommandError('Parquet comes out as a folder of files', 'Name one instead of -.');
  try {
    await withScratch(settings, 'batch', async scratch => {
      const target = openTarget(terminal, settings, output, options.overwrite ?? false, scratch);
      try {
        const inputs = await openInputs(terminal, settings, input, options, scratch);
        await withModelFiles(terminal, settings, options, files =>
          scoreWith({ terminal, settings, files, inputs, target, options, output }),
        );
      } finally {
        await target.clear();
      }
    });
  } catch (thrown) {
    terminal.signal.throwIfAborted();
    if (!(thrown instanceof BatchRefusal)) throw thrown;
    throw new Refusal(printable(thrown.message).replaceAll('\\u000a', '\n'), 'There is no output.', { cause: thrown });
  }
}

/** Finds the model's files, for as long as `work` takes. */
async function withModelFiles(
  { folder, signal }: Terminal,
  settings: Settings,
  { model, modelVersion }: ScoreOptions,
  work: (files: ModelFiles) => Promise<void>,
): Promise<void> {
  const path = resolve(folder, model);
  if (existsSync(path)) {
    const { name = basename(path), version = '0.0.0', ...found } = locateModel(path);
    return work({ ...found, name, version });
  }
  const { withStoredFiles } = await import('./stored-files.ts');
  await withStoredFiles(settings, model, modelVersion, signal, work);
}

interface Scoring {
  readonly terminal: Terminal;
  readonly settings: Settings;
  readonly files: ModelFiles;
  readonly inputs: Inputs;
  readonly target: Target;
  readonly options: ScoreOptions;
  readonly output: string;
}

async function scoreWith({ terminal, settings, files, inputs, target, options, output }: Scoring): Promise<void> {
  const { signal, folder, stderr, stdout } = terminal;
  const begin = performance.now();
  const processes = options.processes ?? availableCores();
  const { startPartWorker } = await import('../../app/part-workers.ts');
  const stop = new AbortController();
  const workers: PartWorker[] = [];
  const startOthers = (rows: keyof typeof WORTH_A_PROCESS_BYTES) => {
    const worthy = options.processes ?? Math.floor(inputs.bytes / WORTH_A_PROCESS_BYTES[rows]) + 1;
    const others = Math.min(processes, worthy) - 1;
    while (workers.length < others) workers.push(startPartWorker(files, settings, stop.signal));
  };
  const light = (await stat(files.file)).size <= LIGHT_MODEL_BYTES;
  const areColumns = inputs.files.some(({ form }) => form.format === 'parquet');
  if (light) startOthers(areColumns ? 'columns' : 'plain'); // they load and open the model while this process does
  const [{ createLoaders }, { openCodecs }, { countingBy, profileBeside }] = await Promise.all([
    import('../../app/create-loaders.ts'),
    import('../../app/open-codecs.ts'),
    import('../../app/profile-beside.ts'),
  ]);
  const { loaders, close } = createLoaders({ ...settings, WORKER_THREADS: processes }, QUIET);
  const progress = createProgress(stderr);
  try {
    const raw = files.card === undefined ? NO_CARD : parseCard(readFileSync(files.card), files.card);
    const opened = await openModelFiles(files, raw, loaders);
    try {
      const { version } = opened;
      const profile = profileBeside(files);
      const inLine = version.backend.info.placement === 'in-line';
      const decoder = createDecoder(openCodecs(settings, Date.now), { inputOf: () => version.card.input });
      // What runs in processes of its own keeps all cores busy from here; others would only open it once more.
      if (!inLine) await Promise.all(workers.splice(0).map(worker => worker.close()));
      const scorer = createTableScorer(version, Date.now);
      const arePlain = scorer.plainWidth > 0 && inputs.files.every(({ form }) => form.format === 'csv');
      if (inLine && !arePlain) startOthers(areColumns ? 'columns' : 'texts');
      workers.unshift(createPartWorker(countingBy(profile, scorer), decoder, signal));
      const captured = inputs.files.some(({ form }) => form.format === 'capture');
      const asked = batchOptions(captured ? { ...options, idColumn: options.idColumn ?? REQUEST_ID } : options, output);
      const scored = await scoreFiles({
        files: inputs.files.map(file => ({ ...file, options: asked, chunkBytes: options.chunkBytes })),
        workers,
        output: target.aside,
        rejects: options.rejects === undefined ? undefined : resolve(folder, options.rejects),
        maxRejected: options.maxRejected,
        numbered: asked.idColumn === undefined,
        signal,
        onProgress: progress.show,
      });
      progress.end();
      await target.commit();
      const report = await reportFor(version, profile, scored, (performance.now() - begin) / 1000);
      const into = output === '-' ? stderr : stdout;
      if (options.json) into.write(`${JSON.stringify(report)}\n`);
      else for (const line of reportLines(report)) into.write(`${printable(line)}\n`);
    } finally {
      await opened.close();
    }
  } finally {
    progress.end();
    await Promise.all(workers.map(worker => worker.close()));
    stop.abort();
    await close();
  }
}

function batchOptions(
  { idColumn, includeFeatures = false, includeProbabilities = false, format }: ScoreOptions,
  output: string,
): BatchOptions {
  return {
    format: format ?? outputFormatOf(output) ?? 'csv',
    idColumn,
    includeFeatures,
    includeProbabilities,
    timestamp: new Date().toISOString(),
  };
}

async function reportFor(
  { name, label, card }: ModelVersion,
  profile: Profile | undefined,
  { statistics }: ScoredFiles,
  seconds: number,
) {
  const classes = (card.outputs.classes ?? []).map(String);
  const { inputs } = statistics;
  const { judgeTable } = profile ? await import('../../drift/judge-table.ts') : {};
  const drift = profile && inputs && judgeTable?.(profile, inputs, statistics.classes);
  return reportOf(statistics, { model: name, modelVersion: label, classes, seconds, drift });
}
