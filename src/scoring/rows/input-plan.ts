import type { TensorSpec } from '../../core/tensor.ts';
import type { Block } from './blocks.ts';
import type { Tail } from './shapes.ts';

/** One thing that an instance gives, by name or by place. */
export interface Field {
  readonly name: string;
  /** Dimensions of its value, empty for a scalar. */
  readonly tail: Tail;
  /** Writes its value into row `row` of its input's block. @throws RequestError where the value does not fit. */
  write(value: unknown, block: Block, row: number): void;
}

/** One model input and what fills it. */
export interface InputPlan {
  readonly spec: TensorSpec;
  readonly tail: Tail;
  /** In the order of its columns. */
  readonly fields: readonly Field[];
  /** Every column is a number taken as it is, and an element of its tensor says the same in a request's. */
  readonly plain?: boolean;
  /** Set where, too, a magnitude below this limit needs no further look. */
  readonly plainLimit: number | undefined;
  /** The input of whose values it is the mask, where it is made. */
  readonly maskOf?: string;
  /** Fills it from what the row's text was, once that is read: no request gives it. */
  make?(block: Block, row: number): void;
  /** An empty block with room for some rows. */
  block(rows: number): Block;
}
