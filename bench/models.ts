import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createOnnxLoader } from '../src/backends/onnx/onnx-loader.ts';
import type { Catalog } from '../src/core/catalog.ts';
import type { ModelVersion } from '../src/core/model.ts';
import type { Route } from '../src/core/routing.ts';
import { parseCard, type RawCard } from '../src/models/card.ts';
import { openModelFiles } from '../src/models/open-files.ts';
import { sampleModel } from './requests.ts';

const quiet = { info: () => {}, warn: () => {}, error: () => {} };

export interface OpenedModel {
  readonly model: ModelVersion;
  /** What it runs on; closed after the model. */
  readonly backends: { close(): Promise<void> };
}

/** Opens a sample model the way the catalog does, without storage; `more` stands over its card. */
export function openModel(name: string, version: string, more: object = {}): Promise<OpenedModel> {
  const file = sampleModel(name, version);
  const card = JSON.parse(readFileSync(join(file, '../model.json'), 'utf8')) as object;
  const raw = parseCard(JSON.stringify({ ...card, ...more }), 'model.json');
  return openFile({ name, version, file, raw });
}

/** Opens any ONNX file that way; `threads` as WORKER_THREADS has it. */
export async function openFile(source: {
  readonly name: string;
  readonly version: string;
  readonly file: string;
  readonly raw: RawCard;
  /** What messages call the card. */
  readonly card?: string | undefined;
  readonly threads?: number;
}): Promise<OpenedModel> {
  const { raw, threads, ...files } = source;
  const loader = createOnnxLoader({ threads, inlineMaxMs: 1, workerMinMs: 5, log: quiet });
  const { version: model, close } = await openModelFiles({ card: 'model.json', ...files }, raw, [loader]);
  return { model, backends: { close: () => close().then(loader.close) } };
}

/** A catalog that answers everything with one loaded version. */
export function catalogOf(model: ModelVersion): Catalog {
  const route: Route = { version: model, requestedVersion: undefined, fallback: false, variant: undefined };
  return { routing: () => ({ route }), fallbackFor: async () => undefined, list: async () => [] };
}
