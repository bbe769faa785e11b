import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const SAMPLES = join(import.meta.dirname, '../samples/models');

export function sampleModel(name: string, version: string): string {
  return join(SAMPLES, name, version, 'model.onnx');
}

/** Feature values of a sample model's cases. */
export function sampleFeatures(name: string, version: string): unknown[] {
  const lines = readFileSync(join(SAMPLES, name, version, 'cases.jsonl'), 'utf8')
    .trim()
    .split('\n');
  return lines.map(line => (JSON.parse(line) as { features: unknown }).features);
}

/** Request bodies as producers write them: JSON text with an id, the model and the features. @param asked the version that they name */
export function requestBodies(name: string, version: string, count: number, asked = version): Buffer[] {
  const features = sampleFeatures(name, version);
  return Array.from({ length: count }, (_, i) =>
    Buffer.from(
      JSON.stringify({
        request_id: `request-${String(i).padStart(8, '0')}`,
        model: name,
        model_version: asked,
        features: features[i % features.length],
      }),
    ),
  );
}

/** How the rows of a pack are written. */
export type PackForm = 'lists' | 'objects' | 'table';

/** The same rows, many to an event, each under an id of its own. @param features names of the values of a row */
export function packBodies(
  name: string,
  version: string,
  { packs, rows, form, features }: { packs: number; rows: number; form: PackForm; features: readonly string[] },
): Buffer[] {
  const values = sampleFeatures(name, version) as number[][];
  return Array.from({ length: packs }, (_, pack) => {
    const numbers = Array.from({ length: rows }, (_, row) => pack * rows + row);
    const lists = numbers.map(number => values[number % values.length] as number[]);
    const objects = () => lists.map(list => Object.fromEntries(features.map((feature, i) => [feature, list[i]])));
    const table = () => Object.fromEntries(features.map((feature, i) => [feature, lists.map(list => list[i])]));
    const body = {
      request_id: `request-${String(pack).padStart(8, '0')}`,
      model: name,
      model_version: version,
      ids: numbers.map(number => `row-${String(number).padStart(8, '0')}`),
      features: form === 'lists' ? lists : form === 'objects' ? objects() : table(),
    };
    return Buffer.from(JSON.stringify(body));
  });
}
