import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createOnnxLoader } from '../../src/backends/onnx/onnx-loader.ts';
import type { Catalog } from '../../src/core/catalog.ts';
import { RequestError } from '../../src/core/errors.ts';
import type { Loader } from '../../src/core/loader.ts';
import type { ModelVersion } from '../../src/core/model.ts';
import type { RawCard } from '../../src/models/card.ts';
import { parseCard } from '../../src/models/card.ts';
import { openModelFiles } from '../../src/models/open-files.ts';
import { quiet } from './events.ts';

const loader = createOnnxLoader({ threads: 0, inlineMaxMs: 1, workerMinMs: 5, log: quiet });

/** A real model from a folder that holds `model.onnx` and perhaps `model.json` (or a fixture's `card.json`); `change` alters the card. */
export async function openModel(
  folder: string,
  change: Partial<RawCard> = {},
  by: Loader = loader,
): Promise<ModelVersion> {
  const [name = '', version = ''] = folder.split('/').slice(-2);
  const files = { name, version, file: join(folder, 'model.onnx'), card: `${name}/${version}/model.json` };
  const opened = await openModelFiles(files, { ...readCard(folder), ...change }, [by]);
  return { ...opened.version, backend: { ...opened.version.backend, close: opened.close } };
}

function readCard(folder: string): RawCard {
  const own = join(folder, 'model.json');
  if (existsSync(own)) return parseCard(readFileSync(own, 'utf8'), own);
  const foreign = join(folder, 'card.json');
  return existsSync(foreign) ? fromFixture(JSON.parse(readFileSync(foreign, 'utf8'))) : ({} as RawCard);
}

interface FixtureCard {
  readonly inputs: readonly { readonly name: string }[];
  readonly outputs: readonly { readonly name: string; readonly role: string }[];
  readonly feature_names?: readonly string[];
  readonly class_labels?: readonly (string | number)[] | null;
}

/** The card of a model fixture as a model.json. */
function fromFixture({ inputs, outputs, feature_names: names, class_labels: classes }: FixtureCard): RawCard {
  const features = names?.map(name => ({ name, input: inputs.length === 1 ? inputs[0]?.name : name }));
  const roles = outputs.filter(({ role }) => ['label', 'probabilities', 'value'].includes(role));
  const named = Object.fromEntries(roles.map(({ role, name }) => [role, name]));
  return parseCard(JSON.stringify({ features, outputs: { ...named, classes } }), 'card.json');
}

/** A catalog of versions that are all loaded; the last of a name is its production, the first name the default. */
export function catalogOf(...versions: readonly ModelVersion[]): Catalog {
  return {
    routing(model = versions[0]?.name, asked) {
      const mine = versions.filter(({ name }) => name === model);
      const production = mine[mine.length - 1];
      if (production === undefined) throw new RequestError('unknown_model', 'route', `no model ${model}`);
      const version = asked === undefined ? production : mine.find(candidate => candidate.version === asked);
      const usual = { requestedVersion: undefined, fallback: false, variant: undefined };
      if (version !== undefined) return { route: { ...usual, version } };
      return { route: { ...usual, version: production, requestedVersion: asked, fallback: true } };
    },
    fallbackFor: async ({ card: { fallback }, name }) =>
      versions.find(
        candidate => candidate.name === (fallback?.model ?? name) && candidate.version === fallback?.version,
      ),
    list: async () => [],
  };
}
