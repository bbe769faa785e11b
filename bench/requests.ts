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

/** Request bodies as producers write them: JSON text with an id, the model and the features. */
export function requestBodies(name: string, version: string, count: number): Buffer[] {
  const features = sampleFeatures(name, version);
  return Array.from({ length: count }, (_, i) =>
    Buffer.from(
      JSON.stringify({
        request_id: `request-${String(i).padStart(8, '0')}`,
        model: name,
        model_version: version,
        features: features[i % features.length],
      }),
    ),
  );
}
