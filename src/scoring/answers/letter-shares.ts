import type { Event } from '../../core/event.ts';
import type { Outcome } from '../../core/outcome.ts';

/** What the dead letters of an event of several requests may have together, as a multiple of what it holds; that of a small event is no hardship. */
const [TIMES, LEAST_BYTES] = [4, 64 * 1024];
/** About what one takes that leaves the original out: those to come have to have room. */
const BRIEF_BYTES = 512;

interface Share {
  /** How many there will be. */
  letters: number;
  /** Of the requests' own texts, since the event may be packed. */
  textBytes: number;
  usedBytes: number;
}

/** How large dead letters may be: thousands of tiny requests in one event would each be repeated in a frame that is many times their size. */
export class LetterShares {
  readonly #shares = new Map<Event, Share>();

  /** A dead letter that will be written. */
  expect(event: Event, text: Outcome['text']): void {
    if (text === undefined) return; // the only one of its event
    const share = this.#shares.get(event) ?? { letters: 0, textBytes: 0, usedBytes: 0 };
    share.letters++;
    share.textBytes += lengthOf(text);
    this.#shares.set(event, share);
  }

  /** For the next one of an event; undefined where nothing bounds it. */
  maxBytes(event: Event): number | undefined {
    const share = this.#shares.get(event);
    if (share === undefined) return undefined;
    const all = Math.max(LEAST_BYTES, TIMES * Math.max(event.body.length, share.textBytes));
    return all - share.usedBytes - (share.letters - 1) * BRIEF_BYTES;
  }

  written(event: Event, bytes: number): void {
    const share = this.#shares.get(event);
    if (share === undefined) return;
    share.letters--;
    share.usedBytes += bytes;
  }
}

function lengthOf(text: () => string): number {
  try {
    return Buffer.byteLength(text());
  } catch {
    return 0; // nested too deeply to be written again
  }
}
