import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InferenceSession, Tensor as OnnxTensor } from 'onnxruntime-node';
import type { Backend } from '../../src/core/backend.ts';
import type { Catalog } from '../../src/core/catalog.ts';
import { RequestError } from '../../src/core/errors.ts';
import type { ModelVersion } from '../../src/core/model.ts';
import type { Signature, Tensor, TensorSpec, Tensors } from '../../src/core/tensor.ts';
import type { RawCard } from '../../src/models/card.ts';
import { parseCard } from '../../src/models/card.ts';
import { resolveCard } from '../../src/models/resolve-card.ts';

/** A real model from a folder that holds `model.onnx` and perhaps `model.json` (or a fixture's `card.json`); `change` alters the card. */
export async function openModel(folder: string, change: Partial<RawCard> = {}): Promise<ModelVersion> {
  const bytes = readFileSync(join(folder, 'model.onnx'));
  const session = await InferenceSession.create(bytes, { intraOpNumThreads: 1, logSeverityLevel: 4 });
  const signature = signatureOf(session);
  const [name = '', version = ''] = folder.split('/').slice(-2);
  const raw = { ...readCard(folder), ...change } as RawCard;
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const card = resolveCard(
    { name, version, file: `${name}/${version}/model.json`, raw, classes: undefined },
    signature,
  );
  const label = `${version}+${sha256.slice(0, 8)}`;
  return { name, version, label, sha256, card, signature, backend: backendOf(session, signature) };
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

function signatureOf(session: InferenceSession): Signature {
  const specs = (metadata: readonly InferenceSession.ValueMetadata[]): TensorSpec[] =>
    metadata.flatMap(value =>
      value.isTensor
        ? [
            {
              name: value.name,
              type: value.type as Tensor['type'],
              dims: value.shape.map(size => (typeof size === 'number' ? size : null)),
            },
          ]
        : [],
    );
  const opaqueOutputs = session.outputMetadata.flatMap(value => (value.isTensor ? [] : [value.name]));
  return { inputs: specs(session.inputMetadata), outputs: specs(session.outputMetadata), opaqueOutputs };
}

function backendOf(session: InferenceSession, signature: Signature): Backend {
  const info = { signature, placement: 'in-line', warmUpMs: 0, memoryBytes: 0, maxBatchSize: 1000 } as const;
  const fetches = signature.outputs.map(({ name }) => name);
  return {
    info,
    load: async () => info,
    async predict(inputs: Tensors) {
      const feeds = Object.entries(inputs).map(([name, tensor]) => [name, toOnnx(tensor)]);
      return (await session.run(Object.fromEntries(feeds), fetches)) as unknown as Tensors;
    },
    close: async () => {
      await session.release();
    },
  };
}

function toOnnx({ type, data, dims }: Tensor): OnnxTensor {
  // onnxruntime-node 1.30 makes a Float16Array of float16 data where Node has one, and then sees no bytes in it.
  if (type !== 'float16') return new OnnxTensor(type as 'float32', data as Float32Array, [...dims]);
  return Object.assign(new OnnxTensor('uint16', data as Uint16Array, [...dims]), { type });
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
