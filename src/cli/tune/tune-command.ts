import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { basename, dirname, join, relative, resolve } from 'node:path';
import type { WriteStream } from 'node:tty';
import type { Settings } from '../../config/config.ts';
import type { ModelFiles } from '../../models/open-files.ts';
import type { Inspection } from '../../models/publish.ts';
import { fixedBatchOf } from '../../models/resolve-card.ts';
import { commandSettings } from '../environment.ts';
import { featureGenerator } from '../load/generate-features.ts';
import { type Payload, payloadFromCases, payloadFromGenerator } from '../load/payload.ts';
import { locateModel } from '../locate-model.ts';
import { inspect, openStore } from '../model-room.ts';
import { printable } from '../printable.ts';
import { findStored, withDownloaded } from '../stored-model.ts';
import { CommandError, columnsOf, paintFor, type Terminal } from '../terminal.ts';
import { showPacks } from './packs.ts';
import { showCurve, showSideBySide, showSizing, wayName } from './show-tuning.ts';
import { sizeFor } from './size.ts';
import { type Tuned, tuneModel } from './tune-model.ts';
import {
  readHostJson,
  type Tuning,
  tunedPack,
  tunedPoint,
  tunedSide,
  tunedSizing,
  writeCard,
  writeHostJson,
} from './write-tuning.ts';

export interface TuneOptions {
  readonly cases?: string;
  readonly write?: string | true;
  readonly hostJson?: string | true;
  readonly json?: string;
  readonly largestBatch: number;
  readonly time: number;
  readonly targetRate?: number;
  readonly instanceCores?: number;
  readonly priceInstanceHour?: number;
  readonly priceThroughputUnitHour?: number;
}

/** `hubscore tune`, once its options are read. */
export async function tune(
  terminal: Terminal,
  model: string,
  version: string | undefined,
  options: TuneOptions,
): Promise<void> {
  const { folder, signal } = terminal;
  const settings = commandSettings(terminal.environment, folder);
  const path = resolve(folder, model);
  if (isFile(path) || isFile(join(path, 'model.onnx')) || /[/\\]|\.onnx$/.test(model)) {
    const { name, version: known = '0.0.0', ...files } = locateModel(path);
    const file = basename(files.file, '.onnx');
    const called = name ?? (file === 'model' ? basename(dirname(files.file)) : file);
    await tuneFiles(terminal, settings, { ...files, name: called, version: known }, true, options);
    return;
  }
  if (options.write === true) {
    const next = 'Give --write a file for the card, and push it with the model as a new version.';
    throw new CommandError('cards in storage are immutable', next);
  }
  const store = await openStore(settings);
  const found = await findStored(store, model, version, signal);
  await withDownloaded(settings, store, found, signal, files =>
    tuneFiles(terminal, settings, { ...found.stored, ...files }, false, options),
  );
}

/** As somebody in the folder would type it. */
function shown(folder: string, file: string): string {
  const path = relative(folder, file);
  return path.startsWith('..') ? file : path;
}

const isFile = (path: string) => existsSync(path) && statSync(path).isFile();

async function tuneFiles(
  terminal: Terminal,
  settings: Settings,
  files: ModelFiles,
  isLocal: boolean,
  options: TuneOptions,
): Promise<void> {
  const { stdout, stderr, signal, folder } = terminal;
  checkTargets(options, folder);
  const paint = paintFor(stdout);
  const inspection = await inspect(settings, files, signal);
  const payload = payloadFor(files, inspection, isLocal, options.cases, folder);
  const { signature, apart } = inspection.info;
  const fixedBatch = fixedBatchOf(signature);
  // How many instances a slice has is no setting where the model takes one number and no other.
  const isSized = fixedBatch === undefined && !apart;
  stdout.write(`${paint('bold', printable(`${files.name} ${inspection.label}`))}  ${printable(payload.says)}\n`);
  const progress = createProgress(stderr as WriteStream);
  const tuned = await tuneModel({
    files,
    card: inspection.rawCard,
    fixedBatch,
    payload,
    settings,
    largestBatch: options.largestBatch,
    forMs: options.time,
    signal,
    onProgress: progress.show,
  }).finally(progress.clear);
  const { points, sides, choice, checked, packs, machine } = tuned;
  const sizing = sizingOf(tuned, options);
  const says = (text: string) => stdout.write(`${text}\n`);
  says(paint('dim', ` ${machine.cores} × ${machine.cpu}, one batch at a time\n`));
  const width = columnsOf(stdout);
  const tables = [...showCurve(points, choice, paint, width), '', ...showSideBySide(sides, choice, paint, width), ''];
  for (const line of tables) says(line);
  const batches = apart ? '' : `, batches of ${choice.batch}`;
  says(` ${paint('bold', 'take')} ${paint('green', `${wayName(choice)}${batches}`)}`);
  for (const reason of [...choice.why, ...remarks(tuned, fixedBatch, apart)]) says(`   ${reason}`);
  if (checked.refused > 0)
    says(`   ${checked.refused} of the requests are refused: ${printable(checked.reason ?? '')}`);
  if (packs.length > 0) for (const line of ['', ...showPacks(packs, paint)]) says(line);
  if (sizing) for (const line of ['', ...showSizing(sizing.demand, sizing.sizing, paint)]) says(line);

  const tuning: Tuning = {
    measured_at: new Date().toISOString(),
    hubscore: tuned.version,
    machine,
    requests: payload.says,
    request_bytes: Math.round(tuned.demand.requestBytes),
    result_bytes: Math.round(tuned.demand.resultBytes),
    why: choice.why,
    curve: points.map(tunedPoint),
    side_by_side: sides.map(tunedSide),
    packs: packs.map(tunedPack),
    sizing: sizing && tunedSizing(sizing.demand, sizing.sizing),
  };
  if (options.write) {
    const card = options.write === true ? join(dirname(files.file), 'model.json') : resolve(folder, options.write);
    // The model's own card is what the choice is added to, unless there is one at that place already.
    if (!existsSync(card) && files.card) writeFileSync(card, readFileSync(files.card, 'utf8'));
    writeCard(card, choice, tuning, !isSized);
    says(
      `\nwrote runtime, ${isSized ? 'batching ' : ''}and tuning to ${shown(folder, card)}; push it as a new version`,
    );
  }
  if (options.hostJson) {
    const hostJson = resolve(folder, options.hostJson === true ? 'host.json' : options.hostJson);
    const file = shown(folder, hostJson);
    const now = writeHostJson(hostJson, tuned.hostBatch);
    says(
      now === tuned.hostBatch
        ? `maxEventBatchSize is ${now} in ${file}: it is for all models of the app`
        : `${file} keeps maxEventBatchSize ${now}: it is for all models of the app, and others may need it`,
    );
  }
  if (options.json) {
    const { placement, threads, batch } = choice;
    const size = apart ? {} : { max_batch_size: batch };
    const whole = { choice: { placement, intra_op_threads: threads, ...size }, ...tuning };
    writeFileSync(resolve(folder, options.json), `${JSON.stringify(whole, null, 2)}\n`);
  }
}

/** What cannot be read or written is said before minutes of measuring. @throws CommandError */
function checkTargets({ cases, write, hostJson, json }: TuneOptions, folder: string): void {
  if (cases !== undefined && !isFile(resolve(folder, cases))) {
    throw new CommandError(
      `${resolve(folder, cases)} is not there`,
      'Give --cases a file with requests as JSON lines.',
    );
  }
  if (hostJson !== undefined) readHostJson(resolve(folder, hostJson === true ? 'host.json' : hostJson));
  for (const file of [json, write === true ? undefined : write]) {
    if (file === undefined || existsSync(dirname(resolve(folder, file)))) continue;
    throw new CommandError(`the folder of ${file} is not there`, 'Make it, or write elsewhere.');
  }
}

function payloadFor(
  files: ModelFiles,
  { card, info }: Inspection,
  isLocal: boolean,
  cases: string | undefined,
  folder: string,
): Payload {
  const defaults = { model: files.name };
  const beside = join(dirname(files.file), 'cases.jsonl');
  const file = cases ? resolve(folder, cases) : isLocal && existsSync(beside) ? beside : undefined;
  if (file) return payloadFromCases(file, shown(folder, file), defaults);
  return payloadFromGenerator(
    'requests made up from its card',
    defaults,
    featureGenerator(card, info.signature, Math.random),
  );
}

function remarks({ machine, hostBatch }: Tuned, fixedBatch: number | undefined, apart = false): string[] {
  const [busy = 0] = loadavg();
  return [
    `maxEventBatchSize in host.json: ${hostBatch} are enough for this model`,
    ...(fixedBatch ? [`the model takes batches of ${fixedBatch} and no other`] : []),
    ...(apart ? ['its answer to an instance changes with those beside it: it takes one at a time in every batch'] : []),
    ...(busy > machine.cores + 1
      ? [`the machine is busy (load ${busy.toFixed(1)}): measure again when it is not`]
      : []),
  ];
}

function sizingOf({ demand, machine }: Tuned, options: TuneOptions) {
  if (options.targetRate === undefined) return undefined;
  const whole = { ...demand, rate: options.targetRate, instanceCores: options.instanceCores ?? machine.cores };
  const prices = { instanceHour: options.priceInstanceHour, throughputUnitHour: options.priceThroughputUnitHour };
  return { demand: whole, sizing: sizeFor(whole, prices) };
}

function createProgress(stderr: Partial<WriteStream> & NodeJS.WritableStream) {
  const write = (text: string) => {
    if (stderr.isTTY) stderr.write(`\r${text}\x1b[K`);
  };
  return { show: (done: number, of: number) => write(`measuring: ${done} of ${of}`), clear: () => write('') };
}
