import type { RequestError } from '../core/errors.ts';
import type { Prediction } from '../core/prediction.ts';
import type { Chunk, Placed } from './encode-chunks.ts';
import type { Inference, Slice } from './infer.ts';
import type { Run } from './run.ts';

/** Ends the requests of a chunk: with their predictions, or, where the model failed on one of its instances, with why. */
export function interpretChunk({ version, stages, placed }: Chunk, { slices, failed }: Inference, run: Run): void {
  const scoredAtMs = run.clock();
  let next = 0;
  for (const request of placed) {
    const error = failed.size > 0 ? firstFailure(request, failed) : undefined;
    if (error !== undefined) {
      run.refuse(request.place, error);
      continue;
    }
    const predictions: Prediction[] = [];
    let modelMs = 0;
    for (let row = request.from; row < request.to; row++) {
      while ((slices[next] as Slice).to <= row) next++;
      const slice = slices[next] as Slice;
      if (row === request.from || row === slice.from) modelMs += slice.computeMs;
      predictions.push(stages.interpreter.predict(slice, row - slice.from));
    }
    run.answer(request.place, version, { predictions, several: request.several, modelMs, scoredAtMs, degraded: false });
  }
}

/** One answer for a request's instances, or none. */
function firstFailure({ from, to }: Placed, failed: ReadonlyMap<number, RequestError>): RequestError | undefined {
  for (let row = from; row < to; row++) {
    const error = failed.get(row);
    if (error !== undefined) return error;
  }
  return undefined;
}
