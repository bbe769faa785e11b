import { relative, resolve } from 'node:path';
import type { Settings } from '../../config/config.ts';
import type { ModelFiles } from '../../models/open-files.ts';
import type { Inspection } from '../../models/publish.ts';
import { locateModel } from '../locate-model.ts';
import { inspect, openStore } from '../model-room.ts';
import { findStored, withDownloaded } from '../stored-model.ts';
import { CommandError, type Terminal } from '../terminal.ts';
import { featureGenerator } from './generate-features.ts';
import { type Payload, payloadFromCases, payloadFromGenerator, sampleCases } from './payload.ts';

export interface PayloadOptions {
  readonly model?: string | undefined;
  readonly modelVersion?: string | undefined;
  readonly cases?: string | undefined;
  /** true: the card of the model in storage; else a model.onnx or its folder. */
  readonly fromCard?: string | true | undefined;
}

const DEFAULT_MODEL = 'diabetes';

/**
 * Requests by the options: a file, a card, or what comes with the sample models.
 * @throws CommandError where the file, the model or its card cannot be used.
 */
export async function choosePayload(terminal: Terminal, settings: Settings, options: PayloadOptions): Promise<Payload> {
  const { modelVersion: version } = options;
  const model = options.model ?? DEFAULT_MODEL;
  if (options.cases !== undefined) {
    const file = resolve(terminal.folder, options.cases);
    return payloadFromCases(file, relative(terminal.folder, file) || file, { model: options.model, version });
  }
  if (options.fromCard !== undefined) {
    const { card, info } = await inspectAsked(terminal, settings, options);
    const features = featureGenerator(card, info.signature, Math.random);
    return payloadFromGenerator(`made up from the card of ${card.name}`, { model: card.name, version }, features);
  }
  const file = sampleCases(model);
  if (file) return payloadFromCases(file, `samples/requests/${model}.jsonl`, { model, version });
  throw new CommandError(
    `there are no sample requests for ${model}`,
    'Add --cases FILE with requests as JSON lines, or --from-card to make them up from the card of the model in storage.',
  );
}

async function inspectAsked(terminal: Terminal, settings: Settings, options: PayloadOptions): Promise<Inspection> {
  const { fromCard, model = DEFAULT_MODEL } = options;
  const { folder, signal } = terminal;
  if (typeof fromCard === 'string') return inspect(settings, filesAt(resolve(folder, fromCard), options.model), signal);
  const store = await openStore(settings);
  const found = await findStored(store, model, options.modelVersion, signal);
  return withDownloaded(settings, store, found, signal, files =>
    inspect(settings, { ...found.stored, ...files }, signal),
  );
}

/** Only what the requests call the model counts here, not which version lies there. */
function filesAt(path: string, asked: string | undefined): ModelFiles {
  const { name = asked, version = '0.0.0', ...files } = locateModel(path);
  if (!name) throw new CommandError(`what is the model in ${path} called?`, 'Add --model NAME.');
  return { ...files, name: asked ?? name, version };
}
