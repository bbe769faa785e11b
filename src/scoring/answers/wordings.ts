import type { ModelVersion } from '../../core/model.ts';
import { TimeFormat } from '../../core/times.ts';
import { unpooled } from '../../core/unpooled.ts';
import { aboutJson, RESULT_ID } from './result-json.ts';

/** What the results of one partition by one way share. */
export class Wording {
  /** Of result ids. */
  readonly prefix: Buffer;
  /** From the result id to the answer. */
  readonly about: Buffer;
  readonly #beforeDigits: Buffer;
  /** By list of heads, of which a version has two at most; then by digits of the sequence number, then by head. */
  readonly #middles = new Map<readonly Buffer[], Buffer[][]>();

  constructor(resultIdPrefix: string, about: string) {
    this.prefix = unpooled(Buffer.from(resultIdPrefix));
    this.#beforeDigits = unpooled(Buffer.from(`${RESULT_ID}"${resultIdPrefix}`));
    this.about = unpooled(Buffer.from(about));
  }

  /** Where in a middle the digits of the sequence number stand. */
  get digitsAt(): number {
    return this.#beforeDigits.length;
  }

  /** From behind the request's id through each head of an answer, with room for so many digits: one copy instead of four. */
  middles(digits: number, heads: readonly Buffer[]): readonly Buffer[] {
    let byDigits = this.#middles.get(heads);
    if (byDigits === undefined) {
      byDigits = [];
      this.#middles.set(heads, byDigits);
    }
    byDigits[digits] ??= heads.map(head =>
      unpooled(Buffer.concat([this.#beforeDigits, Buffer.alloc(digits), Buffer.from('"'), this.about, head])),
    );
    return byDigits[digits];
  }
}

/** More than partitions, rollouts and aliases need; clients that ask for made-up versions must not fill the memory. */
const MAX_WORDINGS = 256;

/** A version's wordings: making one anew takes 1 µs a batch. */
export class Wordings {
  /** For times of enqueueing and of scoring; batch after batch mostly has the same second. */
  readonly enqueued = new TimeFormat();
  readonly scored = new TimeFormat();
  readonly #version: ModelVersion;
  readonly #known = new Map<string, Wording>();

  constructor(version: ModelVersion) {
    this.#version = version;
  }

  of(resultIdPrefix: string, flags: string): Wording {
    const key = `${resultIdPrefix} ${flags}`;
    let wording = this.#known.get(key);
    if (wording === undefined) {
      wording = new Wording(resultIdPrefix, aboutJson(this.#version, flags));
      if (this.#known.size >= MAX_WORDINGS) this.#known.clear();
      this.#known.set(key, wording);
    }
    return wording;
  }
}
