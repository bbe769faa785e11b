import { allCodecs, createDecoder } from '../../src/codecs/decoder.ts';
import type { Event } from '../../src/core/event.ts';
import type { ModelVersion } from '../../src/core/model.ts';
import type { Tensors } from '../../src/core/tensor.ts';
import { batchOf, NOON } from './events.ts';
import { modelVersion, tensor } from './model-version.ts';
import { catalogOf } from './onnx-model.ts';
import { openScoring } from './open-scoring.ts';

/** A model of features a and b (filled with 0) that answers 10 a + b. */
export function addingModel(input?: object): ModelVersion {
  return modelVersion({
    inputs: ['x: float32[?,2]'],
    card: { features: [{ name: 'a' }, { name: 'b', missing: { fill: 0 } }], outputs: { value: 'y' }, input },
    predict({ x }: Tensors) {
      const values = Array.from(x?.data as Float32Array);
      const sums = values.flatMap((value, i) => (i % 2 === 0 ? [10 * value + (values[i + 1] as number)] : []));
      return { y: tensor('float32', [sums.length, 1], sums) };
    },
  });
}

/** Scores bodies by the card's `input`; each ending by its place: `100`, `100/2`. */
export async function scoreMapped(
  input: object | undefined,
  bodies: readonly unknown[],
  common: Partial<Event> = {},
  codecs = allCodecs(),
) {
  const version = addingModel(input);
  const decoder = createDecoder(codecs, { inputOf: () => version.card.input });
  const scoring = openScoring(catalogOf(version), { clock: () => NOON + 5, decoder });
  const scored = await scoring.score(batchOf(bodies, common), AbortSignal.timeout(10_000));
  const endings = Object.fromEntries(
    scored
      .outcomes()
      .map(({ resultId, body }) => [resultId.slice('inference-requests/2/'.length), JSON.parse(body.toString())]),
  );
  return { scored, endings };
}
