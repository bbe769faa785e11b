import type { ByteEncoding } from './csv/text.ts';
import type { InputFormat } from './format.ts';
import type { Range, RangeResult } from './range.ts';

/** How an input is written, as far as somebody says. Plain JSON. */
export interface TableForm {
  readonly format: InputFormat;
  /** Of CSV; undefined: told from the first bytes. */
  readonly encoding?: ByteEncoding | undefined;
  /** Of CSV, one character; undefined: told from the header. */
  readonly delimiter?: string | undefined;
}

/** An input that is scored range by range, in any order and by anybody: the ranges' outputs one after the other are the whole's. */
export interface BatchTable {
  /** What the output begins with; nothing where it is no CSV. Of Parquet each range's output is a file of its own, or nothing where no row was scored. */
  readonly header: Buffer;
  /** Places of the first row and behind the last. */
  readonly from: number;
  readonly to: number;
  /** Places between `from` and `to`, in order, at which it is cut into ranges of about so many bytes. */
  cuts(bytes: number): readonly number[];
  /** Rows that cannot be scored are in the result. @throws InfrastructureError where the source or the model's backend is away; the signal's reason. */
  score(range: Range, signal: AbortSignal): Promise<RangeResult>;
  /** The same without a model: for those who need to know the number of a range's first row before. */
  count(range: Range): Promise<Pick<RangeResult, 'start' | 'end' | 'rows'>>;
  /** Of CSV. */
  quotes?(range: Pick<Range, 'from' | 'to'>): Promise<Quotes>;
}

/** What the quotes of a range tell, whatever stands before it. */
export interface Quotes {
  /** Where its first row begins if `from` lies outside of quotes, and if inside; the input's end where none does. */
  readonly outside: number;
  readonly inside: number;
  /** Of their number. */
  readonly odd: boolean;
}
