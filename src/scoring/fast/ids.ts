import type { Event } from '../../core/event.ts';
import type { Request, RequestId } from '../../core/request.ts';

const QUOTE = 34;
const BACKSLASH = 92;
const SPACE = 32;
const TILDE = 126;
/** What a UTF-16 unit takes in JSON at most, `\ud800`. */
const BYTES_A_UNIT = 6;

/** The requests' own ids, as JSON. */
export interface Ids {
  /** No id takes more bytes. */
  readonly maxBytes: number;
  /** Writes a row's id at `at`; returns its end, `at` where the request gave none. */
  write(row: number, events: readonly Event[], into: Buffer, at: number): number;
  of(row: number, events: readonly Event[]): RequestId | undefined;
}

/** Ids as the scanner found them in the events' bodies: copied from there. */
export class ScannedIds implements Ids {
  readonly #starts: Uint32Array;
  /** 0: the request gave none. */
  readonly #ends: Uint32Array;
  maxBytes = 0;

  constructor(rows: number) {
    this.#starts = new Uint32Array(rows);
    this.#ends = new Uint32Array(rows);
  }

  /** From its first byte to behind its last, quotes included. */
  set(row: number, start: number, end: number): void {
    this.#starts[row] = start;
    this.#ends[row] = end;
    if (end - start > this.maxBytes) this.maxBytes = end - start;
  }

  write(row: number, events: readonly Event[], into: Buffer, start: number): number {
    const { body } = events[row] as Event;
    const end = this.#ends[row] as number;
    let at = start;
    for (let i = this.#starts[row] as number; i < end; i++) into[at++] = body[i] as number;
    return at;
  }

  of(row: number, events: readonly Event[]): RequestId | undefined {
    const { body } = events[row] as Event;
    const end = this.#ends[row] as number;
    return end === 0 ? undefined : JSON.parse(body.toString('latin1', this.#starts[row], end));
  }
}

/** Ids of requests that were parsed. */
export class ParsedIds implements Ids {
  readonly #requests: readonly Request[];
  readonly maxBytes: number;

  constructor(requests: readonly Request[]) {
    this.#requests = requests;
    let maxBytes = 0;
    for (const { requestId: id } of requests) {
      const bytes = typeof id === 'string' ? 2 + BYTES_A_UNIT * id.length : (JSON.stringify(id)?.length ?? 0);
      if (bytes > maxBytes) maxBytes = bytes;
    }
    this.maxBytes = maxBytes;
  }

  write(row: number, _: readonly Event[], into: Buffer, start: number): number {
    const id = this.of(row);
    if (id === undefined) return start;
    const plainEnd = typeof id === 'string' ? writePlain(id, into, start) : -1;
    return plainEnd >= 0 ? plainEnd : start + into.write(JSON.stringify(id), start, 'utf8');
  }

  of(row: number): RequestId | undefined {
    return (this.#requests[row] as Request).requestId;
  }
}

/** A text of plain ASCII between quotes; -1 where it is none. */
function writePlain(text: string, into: Buffer, start: number): number {
  let at = start;
  into[at++] = QUOTE;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < SPACE || code > TILDE || code === QUOTE || code === BACKSLASH) return -1;
    into[at++] = code;
  }
  into[at++] = QUOTE;
  return at;
}
