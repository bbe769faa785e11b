import type { RequestError } from '../core/errors.ts';
import type { Ending } from '../core/outcome.ts';
import type { Prediction } from '../core/prediction.ts';
import type { Chunk, Placed } from './chunk.ts';
import type { Recall } from './infer/recall.ts';
import type { Inference, Slice } from './infer/slices.ts';
import type { Run } from './run.ts';

/** Ends the requests of a chunk: with their predictions, or, where the model failed on one of its instances, with why. */
export function interpretChunk(chunk: Chunk, inference: Inference, run: Run, recalled?: Recall): void {
  const { version, stages, placed } = chunk;
  const { slices, failed, scoredAtMs } = inference;
  const placeOf = (row: number): number => (recalled === undefined ? row : (recalled.places[row] as number));
  for (const request of placed) {
    const error = failed.size > 0 ? firstFailure(request, failed, placeOf) : undefined;
    if (error !== undefined) {
      run.refuse(request.place, error);
      continue;
    }
    const predictions: Prediction[] = [];
    let modelMs = 0;
    let cached = recalled !== undefined;
    let last: Slice | undefined;
    for (let row = request.from; row < request.to; row++) {
      const known = recalled?.known[row];
      if (known !== undefined) {
        predictions.push(known);
        continue;
      }
      const place = placeOf(row);
      const slice = last !== undefined && place >= last.from && place < last.to ? last : sliceWith(slices, place);
      const prediction = stages.interpreter.predict(slice, place - slice.from);
      predictions.push(prediction);
      if (recalled?.isRepeat(row)) continue;
      cached = false;
      recalled?.remember(place, prediction);
      if (slice !== last) modelMs += slice.computeMs;
      last = slice;
    }
    run.answer(request.place, version, {
      predictions,
      several: request.several,
      modelMs,
      scoredAtMs,
      degraded: false,
      cached,
    });
  }
  recalled?.store();
}

/** The endings of all requests, each of which has one by then. */
export function endingsOf(run: Run): readonly Ending[] {
  for (const { chunk, inference } of run.uninterpreted.splice(0)) interpretChunk(chunk, inference, run);
  return run.endings;
}

function sliceWith(slices: readonly Slice[], row: number): Slice {
  return (slices.find(slice => row < slice.to) ?? slices[slices.length - 1]) as Slice;
}

/** One answer for a request's instances, or none. */
function firstFailure(
  { from, to }: Placed,
  failed: ReadonlyMap<number, RequestError>,
  placeOf: (row: number) => number,
): RequestError | undefined {
  for (let row = from; row < to; row++) {
    const error = failed.get(placeOf(row));
    if (error !== undefined) return error;
  }
  return undefined;
}
