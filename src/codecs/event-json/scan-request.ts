import { NumberScanner } from './scan-number.ts';

const [QUOTE, COMMA, COLON, BACKSLASH, OPEN_LIST, CLOSE_LIST, OPEN, CLOSE] = [34, 44, 58, 92, 91, 93, 123, 125];
const [ZERO, NINE, SPACE, TAB, NEWLINE, RETURN, DELETE] = [48, 57, 32, 9, 10, 13, 127];

/** First bytes tell the keys apart: `r`equest_id, `m`odel, `m`odel_version, `f`eatures. */
const KEYS = ['request_id', 'model', 'model_version', 'features'].map(key => Buffer.from(key));
const [ID, MODEL, VERSION, FEATURES] = [0, 1, 2, 3];
/** Longer whole numbers might read differently as a double. */
const MAX_ID_DIGITS = 15;

/**
 * Reads the narrow shape that nearly all requests have, straight from an event's bytes into a row of a float32 tensor: an object with
 * `request_id`, `model`, `model_version` and `features` in any order, each at most once, texts of plain ASCII without
 * escapes, features a flat list of numbers. 240 ns for 10 features where JSON.parse and a copy take 840.
 *
 * It only ever says yes to what `JSON.parse` reads the same way; everything else is for the plain road to judge.
 */
export class RequestScanner {
  /** Where the fields' texts stand, between their quotes; end 0 for a field that is absent. */
  idStart = 0;
  idEnd = 0;
  /** The id is a whole number: no quotes around it. */
  idIsNumber = false;
  modelStart = 0;
  modelEnd = 0;
  versionStart = 0;
  versionEnd = 0;
  /** Model and version are those of the request before, byte for byte. */
  fieldsRepeat = false;

  readonly #number = new NumberScanner();
  /** What stood before and behind the id of the last request that had its id first and its features last. */
  #head = Buffer.alloc(0);
  #middle = Buffer.alloc(0);
  #features = 0;

  /** True where the whole body is of the shape, with exactly `width` features, which then stand in `into` from `row * width` on. */
  scan(bytes: Buffer, into: Float32Array, row: number, width: number): boolean {
    this.fieldsRepeat = this.#scanLikeTheLast(bytes, into, row * width, width);
    if (this.fieldsRepeat) return true;
    const usual = this.#scanAnew(bytes, into, row, width);
    this.#remember(bytes, usual);
    return usual;
  }

  /** A producer writes all its requests alike: but for id and numbers the bytes are those of the request before, fields included. Takes half of the time. */
  #scanLikeTheLast(bytes: Buffer, into: Float32Array, offset: number, width: number): boolean {
    const head = this.#head;
    const middle = this.#middle;
    if (middle.length === 0 || !standsAt(bytes, 0, head)) return false;
    const idEnd = textEnd(bytes, head.length);
    if (idEnd <= head.length || !standsAt(bytes, idEnd, middle)) return false;
    let at = this.#readFeatures(bytes, idEnd + middle.length, into, offset, width);
    if (at < 0) return false;
    at = skipSpace(bytes, at);
    if (bytes[at] !== CLOSE || skipSpace(bytes, at + 1) !== bytes.length) return false;
    const moved = idEnd - this.idEnd;
    this.idEnd = idEnd;
    if (this.modelEnd > 0) {
      this.modelStart += moved;
      this.modelEnd += moved;
    }
    if (this.versionEnd > 0) {
      this.versionStart += moved;
      this.versionEnd += moved;
    }
    return true;
  }

  #remember(bytes: Buffer, usual: boolean): void {
    const { idStart, idEnd } = this;
    const others = [this.modelStart, this.versionStart].filter(start => start > 0);
    const inOrder = idEnd > 0 && !this.idIsNumber && others.every(start => start > idEnd) && this.#features > idEnd;
    const last = others.every(start => start < this.#features);
    this.#head = usual && inOrder && last ? Buffer.from(bytes.subarray(0, idStart)) : Buffer.alloc(0);
    this.#middle = usual && inOrder && last ? Buffer.from(bytes.subarray(idEnd, this.#features)) : Buffer.alloc(0);
  }

  #scanAnew(bytes: Buffer, into: Float32Array, row: number, width: number): boolean {
    this.idEnd = 0;
    this.modelStart = 0;
    this.versionStart = 0;
    this.modelEnd = 0;
    this.versionEnd = 0;
    let seen = 0;
    let at = skipSpace(bytes, 0);
    if (bytes[at] !== OPEN) return false;
    do {
      at = skipSpace(bytes, at + 1);
      if (bytes[at] !== QUOTE) return false;
      const key = keyAt(bytes, at + 1);
      if (key < 0 || seen & (1 << key)) return false;
      seen |= 1 << key;
      at = skipSpace(bytes, at + 2 + (KEYS[key] as Buffer).length);
      if (bytes[at] !== COLON) return false;
      at = skipSpace(bytes, at + 1);
      if (key === FEATURES) this.#features = at;
      at = key === FEATURES ? this.#readFeatures(bytes, at, into, row * width, width) : this.#text(bytes, at, key);
      if (at < 0) return false;
      at = skipSpace(bytes, at);
    } while (bytes[at] === COMMA);
    if (bytes[at] !== CLOSE || !(seen & (1 << FEATURES))) return false;
    return skipSpace(bytes, at + 1) === bytes.length;
  }

  #readFeatures(bytes: Uint8Array, start: number, into: Float32Array, offset: number, width: number): number {
    if (bytes[start] !== OPEN_LIST) return -1;
    const number = this.#number;
    let at = start + 1;
    for (let column = 0; column < width; column++) {
      while ((bytes[at] as number) <= SPACE && isSpace(bytes[at] as number)) at++;
      at = number.scan(bytes, at);
      if (at < 0) return -1;
      into[offset + column] = number.value;
      while ((bytes[at] as number) <= SPACE && isSpace(bytes[at] as number)) at++;
      if (bytes[at] !== (column === width - 1 ? CLOSE_LIST : COMMA)) return -1;
      at++;
    }
    return at;
  }

  #text(bytes: Uint8Array, start: number, key: number): number {
    if (bytes[start] !== QUOTE) return key === ID ? this.#wholeNumber(bytes, start) : -1;
    const at = textEnd(bytes, start + 1);
    if (at < 0) return -1;
    if (key === ID) {
      this.idStart = start + 1;
      this.idEnd = at;
      this.idIsNumber = false;
      if (at === start + 1) return -1;
    } else if (key === MODEL) {
      this.modelStart = start + 1;
      this.modelEnd = at;
    } else if (key === VERSION) {
      this.versionStart = start + 1;
      this.versionEnd = at;
    }
    return at + 1;
  }

  #wholeNumber(bytes: Uint8Array, start: number): number {
    let at = start;
    while ((bytes[at] as number) >= ZERO && (bytes[at] as number) <= NINE) at++;
    const digits = at - start;
    if (digits === 0 || digits > MAX_ID_DIGITS || (bytes[start] === ZERO && digits > 1)) return -1;
    this.idStart = start;
    this.idEnd = at;
    this.idIsNumber = true;
    return at;
  }
}

/** The closing quote of a text of plain ASCII without escapes; -1 for any other. */
function textEnd(bytes: Uint8Array, start: number): number {
  let at = start;
  let byte = bytes[at] as number;
  while (byte !== QUOTE) {
    if (!(byte >= SPACE && byte < DELETE) || byte === BACKSLASH) return -1;
    byte = bytes[++at] as number;
  }
  return at;
}

function standsAt(bytes: Uint8Array, at: number, expected: Uint8Array): boolean {
  for (let i = 0; i < expected.length; i++) if (bytes[at + i] !== expected[i]) return false;
  return true;
}

/** Which of the four keys stands at `at`, with its closing quote; -1 for any other. */
function keyAt(bytes: Uint8Array, at: number): number {
  for (let key = 0; key < KEYS.length; key++) {
    const name = KEYS[key] as Buffer;
    if (bytes[at + name.length] !== QUOTE) continue;
    let i = 0;
    while (i < name.length && bytes[at + i] === name[i]) i++;
    if (i === name.length) return key;
  }
  return -1;
}

function skipSpace(bytes: Uint8Array, at: number): number {
  while (isSpace(bytes[at] as number)) at++;
  return at;
}

function isSpace(byte: number): boolean {
  return byte === SPACE || byte === NEWLINE || byte === RETURN || byte === TAB;
}
