import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createOnnxBackends, type OnnxBackends } from '../src/backends/onnx/backends.ts';
import { readOnnxFile } from '../src/backends/onnx/onnx-file.ts';
import type { Catalog } from '../src/core/catalog.ts';
import type { ModelVersion } from '../src/core/model.ts';
import type { Route } from '../src/core/routing.ts';
import { parseCard, type RawCard, wishesOf } from '../src/models/card.ts';
import { labelOf } from '../src/models/load-version.ts';
import { resolveCard } from '../src/models/resolve-card.ts';
import { warmUpPlan } from '../src/models/warm-up-plan.ts';
import { sampleModel } from './requests.ts';

const quiet = { info: () => {}, warn: () => {}, error: () => {} };

export interface OpenedModel {
  readonly model: ModelVersion;
  readonly backends: OnnxBackends;
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
  readonly threads?: number;
}): Promise<OpenedModel> {
  const { name, version, file, raw, threads } = source;
  const { classes } = await readOnnxFile(file);
  const backends = createOnnxBackends({ threads, inlineMaxMs: 1, workerMinMs: 5, log: quiet });
  const card = (signature: ModelVersion['signature']) =>
    resolveCard({ name, version, file: 'model.json', raw, classes }, signature);
  const backend = backends.open({
    title: file,
    file,
    bytes: statSync(file).size,
    wishes: wishesOf(raw),
    plan: signature => warmUpPlan(signature, card(signature)),
  });
  const { signature } = await backend.load();
  const sha256 = String(raw.sha256 ?? '0'.repeat(64));
  return {
    model: { name, version, label: labelOf(version, raw, sha256), sha256, card: card(signature), signature, backend },
    backends,
  };
}

/** A catalog that answers everything with one loaded version. */
export function catalogOf(model: ModelVersion): Catalog {
  const route: Route = { version: model, requestedVersion: undefined, fallback: false, variant: undefined };
  return { routing: () => ({ route }), fallbackFor: async () => undefined, list: async () => [] };
}
