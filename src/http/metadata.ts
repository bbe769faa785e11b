import { statusOf } from '../core/backend.ts';
import type { ModelSummary } from '../core/catalog.ts';
import { DATATYPES } from '../core/datatypes.ts';
import type { ModelVersion } from '../core/model.ts';
import { declaredShape, planOutputs } from './output-plan.ts';

export interface TensorMetadata {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
}

export interface ModelMetadata {
  readonly name: string;
  readonly versions: readonly string[];
  readonly platform: string;
  readonly inputs: readonly TensorMetadata[];
  readonly outputs: readonly TensorMetadata[];
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** As Triton calls them; others by their own names. */
const PLATFORMS: Readonly<Record<string, string>> = { onnx: 'onnx_onnxv1', ensemble: 'ensemble' };

/** What the protocol says of a model version. */
export function describeModel(version: ModelVersion, summary: ModelSummary | undefined): ModelMetadata {
  const backend = statusOf(version.backend);
  return {
    name: version.name,
    versions: summary?.versions ?? [version.version],
    platform: PLATFORMS[backend.kind] ?? backend.kind,
    inputs: describeInputs(version),
    outputs: planOutputs(version).map(({ name, datatype, shape }) => ({ name, datatype, shape })),
    parameters: {
      version: version.version,
      version_label: version.label,
      production: summary?.production,
      aliases: summary?.aliases,
      task: version.card.task,
      classes: version.card.outputs.classes,
      sha256: version.sha256,
      backend,
      // Who answers in its place while it is away.
      fallback: version.card.fallback,
    },
  };
}

/** Inputs by the model's names; where the card turns texts into an input's columns, its features take their place, a tensor each. */
export function describeInputs({ card, signature }: ModelVersion): TensorMetadata[] {
  const { text } = card;
  return signature.inputs.flatMap((spec): TensorMetadata[] => {
    const { name, type } = spec;
    if (name === text?.ids) return text.features.map(feature => ({ name: feature, datatype: 'BYTES', shape: [-1, 1] }));
    if (text !== undefined && (name === text.mask || name === text.types)) return [];
    const features = card.features.filter(feature => feature.input === name);
    if (features.some(({ encode }) => encode !== undefined)) {
      return features.map(feature => ({
        name: feature.name,
        datatype: feature.type === 'string' ? 'BYTES' : DATATYPES[type],
        shape: [-1, 1],
      }));
    }
    const shape = declaredShape(spec);
    return [{ name, datatype: DATATYPES[type], shape: signature.unbatched ? shape.slice(1) : shape }];
  });
}
