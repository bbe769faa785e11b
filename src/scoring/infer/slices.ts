import type { ModelVersion } from '../../core/model.ts';

/** Rows that a version takes at once. */
export interface SliceSize {
  readonly rows: number;
  /** Rows that it insists on: a slice is filled up with its last one. */
  readonly fixed: number | undefined;
}

export function sliceSizeOf({ card, signature, backend }: ModelVersion): SliceSize {
  const { maxBatchSize, apart } = backend.info;
  const fixed = signature.inputs.find(({ dims }) => typeof dims[0] === 'number')?.dims[0] ?? undefined;
  if (fixed !== undefined) return { rows: apart ? 1 : fixed, fixed };
  return { rows: Math.max(1, Math.min(card.batching.maxBatchSize ?? maxBatchSize, maxBatchSize)), fixed };
}

/** Slices that may be on their way at once: one where the model runs on this very thread. */
export function lanesOf({ backend }: ModelVersion): readonly number[] {
  return backend.info.placement === 'in-line' ? [0] : [0, 1, 2, 3];
}
