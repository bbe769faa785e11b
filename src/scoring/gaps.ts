import type { RequestError } from '../core/errors.ts';
import type { Way } from './group.ts';

/** Where the answer stands that was given instead of a row's own. */
export interface StandIn {
  readonly way: Way;
  readonly row: number;
}

/** What is missing of a pack that skips its bad rows. Indexes count the instances of its list, offsets those of them that are among its group's rows. */
export class Gaps {
  /** Instances that the request listed. */
  readonly size: number;
  /** By index, why there is no answer. */
  readonly errors = new Map<number, RequestError>();
  /** By index, of rows that the model failed on. */
  readonly standIns = new Map<number, StandIn>();
  #leftOut: ReadonlyMap<number, RequestError> = new Map();
  #indexes: Uint32Array | undefined;

  constructor(size: number) {
    this.size = size;
  }

  /** These never came among the rows. */
  leaveOut(bad: ReadonlyMap<number, RequestError>): void {
    this.#leftOut = bad;
    this.#indexes = undefined;
    for (const [index, error] of bad) this.errors.set(index, error);
  }

  /** Whether it is among its group's rows, be it that the model failed on it. */
  hasRow(index: number): boolean {
    return !this.#leftOut.has(index);
  }

  indexOf(offset: number): number {
    if (this.#leftOut.size === 0) return offset;
    if (this.#indexes === undefined) {
      this.#indexes = new Uint32Array(this.size - this.#leftOut.size);
      for (let index = 0, at = 0; index < this.size; index++) if (this.hasRow(index)) this.#indexes[at++] = index;
    }
    return this.#indexes[offset] as number;
  }

  /** Those that the model failed on and that nothing stands in for, by index. */
  failed(): [index: number, error: RequestError][] {
    return [...this.errors].filter(([index]) => this.hasRow(index));
  }

  standIn(index: number, answer: StandIn): void {
    this.standIns.set(index, answer);
    this.errors.delete(index);
  }

  get isEmpty(): boolean {
    return this.errors.size === this.size;
  }

  /** In the order of the list. */
  sorted(): readonly (readonly [index: number, error: RequestError])[] {
    return [...this.errors].sort(([one], [other]) => one - other);
  }
}
