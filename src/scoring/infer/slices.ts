import type { ModelVersion } from '../../core/model.ts';

/** Rows that a version takes at once. */
export interface SliceSize {
  readonly rows: number;
  /** It takes no other number. */
  readonly fixed: boolean;
}

export function sliceSizeOf({ card, signature, backend }: ModelVersion): SliceSize {
  const fixed = signature.inputs[0]?.dims[0] ?? undefined;
  if (fixed !== undefined) return { rows: fixed, fixed: true };
  const { maxBatchSize } = backend.info;
  return { rows: Math.max(1, Math.min(card.batching.maxBatchSize ?? maxBatchSize, maxBatchSize)), fixed: false };
}

/** Slices that may be on their way at once: one where the model runs on this very thread. */
export function lanesOf({ backend }: ModelVersion): readonly number[] {
  return backend.info.placement === 'in-line' ? [0] : [0, 1, 2, 3];
}
