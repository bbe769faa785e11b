import { readFileSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { createOnnxBackends, type OnnxBackends } from '../src/backends/onnx/backends.ts';
import type { Catalog, ModelVersion, Route } from '../src/core/model.ts';
import { parseCard } from '../src/models/card.ts';
import { labelOf } from '../src/models/load-version.ts';
import { readOnnxFile } from '../src/models/onnx-file.ts';
import { resolveCard } from '../src/models/resolve-card.ts';
import { warmUpPlan } from '../src/models/warm-up-plan.ts';
import { sampleModel } from './requests.ts';

const quiet = { info: () => {}, warn: () => {}, error: () => {} };

/** Opens a sample model the way the catalog does, without storage. */
export async function openModel(
  name: string,
  version: string,
): Promise<{ model: ModelVersion; backends: OnnxBackends }> {
  const file = sampleModel(name, version);
  const raw = parseCard(readFileSync(join(file, '../model.json'), 'utf8'), 'model.json');
  const { classes } = await readOnnxFile(file);
  const backends = createOnnxBackends({
    threads: Math.max(1, availableParallelism() - 1),
    inlineMaxMs: 1,
    workerMinMs: 5,
    log: quiet,
  });
  const card = (signature: ModelVersion['signature']) =>
    resolveCard({ name, version, file: 'model.json', raw, classes }, signature);
  const backend = backends.open({
    title: file,
    file,
    bytes: statSync(file).size,
    plan: signature => warmUpPlan(signature, card(signature)),
  });
  const { signature } = await backend.load();
  const sha256 = String(raw.sha256);
  return {
    model: { name, version, label: labelOf(version, raw, sha256), sha256, card: card(signature), signature, backend },
    backends,
  };
}

/** A catalog that answers everything with one loaded version. */
export function catalogOf(model: ModelVersion): Catalog {
  const route: Route = { version: model, requestedVersion: undefined, fallback: false, variant: undefined };
  return { route: () => route, fallbackFor: async () => undefined, list: async () => [] };
}
