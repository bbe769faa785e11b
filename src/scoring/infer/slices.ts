import type { RequestError } from '../../core/errors.ts';
import type { ModelVersion } from '../../core/model.ts';
import type { Tensors } from '../../core/tensor.ts';

/** What the model said of rows `from` to `to`, in `size` rows: a fixed batch may have been filled up. */
export interface Slice {
  readonly from: number;
  readonly to: number;
  readonly size: number;
  readonly outputs: Tensors;
  readonly computeMs: number;
}

/** What became of a chunk's rows: every row is in a slice, ascending, or failed. */
export interface Inference {
  readonly slices: readonly Slice[];
  readonly failed: ReadonlyMap<number, RequestError>;
  readonly scoredAtMs: number;
}

/** Rows that a version takes at once; a model with a fixed batch takes no other number. */
export function sliceRows({ card, signature, backend }: ModelVersion): {
  readonly rows: number;
  readonly fixed: boolean;
} {
  const fixed = signature.inputs[0]?.dims[0] ?? undefined;
  if (fixed !== undefined) return { rows: fixed, fixed: true };
  const { maxBatchSize } = backend.info;
  return { rows: Math.max(1, Math.min(card.batching.maxBatchSize ?? maxBatchSize, maxBatchSize)), fixed: false };
}

/** A lane for each chunk that may be on its way at once: one where the model runs on this very thread. */
export function lanesOf({ backend }: ModelVersion): readonly number[] {
  return backend.info.placement === 'in-line' ? [0] : [0, 1, 2, 3];
}
