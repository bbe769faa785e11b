import type { RequestScanner } from '../../core/codec.ts';
import type { Event } from '../../core/event.ts';
import { binaryPrefix } from '../cloud-events/attributes.ts';
import { NumberScanner } from './scan-number.ts';

const [QUOTE, COMMA, COLON, BACKSLASH, OPEN_LIST, CLOSE_LIST, OPEN, CLOSE] = [34, 44, 58, 92, 91, 93, 123, 125];
const [ZERO, NINE, SPACE, TAB, NEWLINE, RETURN, DELETE] = [48, 57, 32, 9, 10, 13, 127];

/** First bytes tell the keys apart: `r`equest_id, `m`odel, `m`odel_version, `f`eatures. */
const KEYS = ['request_id', 'model', 'model_version', 'features'].map(key => Buffer.from(key));
const [ID, MODEL, VERSION, FEATURES] = [0, 1, 2, 3];
/** Longer whole numbers might read differently as a double. */
const MAX_ID_DIGITS = 15;
const MAX_FEATURES = 65_536;
const NOTHING = Buffer.alloc(0);

/**
 * JSON requests of the narrow shape: an object with `request_id`, `model`, `model_version` and `features` in any order, each at most once, texts of plain ASCII without
 * escapes, features a flat list of numbers. 240 ns for 10 features where JSON.parse and a copy take 840.
 */
export class JsonScanner implements RequestScanner {
  idStart = 0;
  idEnd = 0;
  modelStart = 0;
  modelEnd = 0;
  versionStart = 0;
  versionEnd = 0;
  fieldsRepeat = false;

  readonly #number = new NumberScanner();
  /** What stood before and behind the id of the last request that had its id first and its features last. */
  #head: Buffer = NOTHING;
  #middle: Buffer = NOTHING;
  #bytes: Buffer = NOTHING;
  /** Where the features begin that are still to be read; -1 where they have been, into `#features`. */
  #featuresAt = -1;
  #features = new Float32Array(64);
  #count = 0;

  scan(event: Event): boolean {
    if (!isPlain(event)) return false;
    const { body } = event;
    this.#bytes = body;
    this.fieldsRepeat = this.#scanLikeTheLast(body);
    if (this.fieldsRepeat) return true;
    // A CloudEvent's id stands in for one that its body lacks.
    const usual = this.#scanAnew(body) && (this.idEnd > 0 || binaryPrefix(event) === undefined);
    this.#remember(body, usual);
    this.#featuresAt = -1;
    return usual;
  }

  readNumbers(into: Float32Array, offset: number, width: number): boolean {
    if (this.#featuresAt >= 0) return this.#readToTheEnd(into, offset, width);
    if (this.#count !== width) return false;
    const features = this.#features;
    for (let column = 0; column < width; column++) into[offset + column] = features[column] as number;
    return true;
  }

  /** A producer writes all its requests alike: but for id and numbers the bytes are those of the request before, fields included. Takes half of the time. */
  #scanLikeTheLast(bytes: Buffer): boolean {
    const head = this.#head;
    const middle = this.#middle;
    if (middle.length === 0 || !standsAt(bytes, 0, head)) return false;
    const close = textEnd(bytes, head.length);
    if (close <= head.length || !standsAt(bytes, close, middle)) return false;
    this.idEnd = close + 1;
    this.#featuresAt = close + middle.length;
    return true;
  }

  #readToTheEnd(into: Float32Array, offset: number, width: number): boolean {
    const bytes = this.#bytes;
    const number = this.#number;
    let at = this.#featuresAt;
    if (bytes[at++] !== OPEN_LIST) return false;
    for (let column = 0; column < width; column++) {
      while ((bytes[at] as number) <= SPACE && isSpace(bytes[at] as number)) at++;
      at = number.scan(bytes, at);
      if (at < 0) return false;
      into[offset + column] = number.value;
      while ((bytes[at] as number) <= SPACE && isSpace(bytes[at] as number)) at++;
      if (bytes[at] !== (column === width - 1 ? CLOSE_LIST : COMMA)) return false;
      at++;
    }
    at = skipSpace(bytes, at);
    return bytes[at] === CLOSE && skipSpace(bytes, at + 1) === bytes.length;
  }

  #remember(bytes: Buffer, usual: boolean): void {
    const { idStart, idEnd } = this;
    if (!usual) {
      this.#head = NOTHING;
      this.#middle = NOTHING;
      return;
    }
    const isText = idEnd > 0 && bytes[idStart] === QUOTE;
    const others = [this.modelStart, this.versionStart].filter(start => start > 0);
    const inOrder =
      isText && others.every(start => start > idEnd && start < this.#featuresAt) && this.#featuresAt > idEnd;
    this.#head = inOrder ? Buffer.from(bytes.subarray(0, idStart + 1)) : NOTHING;
    this.#middle = inOrder ? Buffer.from(bytes.subarray(idEnd - 1, this.#featuresAt)) : NOTHING;
  }

  #scanAnew(bytes: Buffer): boolean {
    this.idStart = 0;
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
      if (key === FEATURES) this.#featuresAt = at;
      at = key === FEATURES ? this.#readFeatures(bytes, at) : this.#text(bytes, at, key);
      if (at < 0) return false;
      at = skipSpace(bytes, at);
    } while (bytes[at] === COMMA);
    if (bytes[at] !== CLOSE || !(seen & (1 << FEATURES))) return false;
    return skipSpace(bytes, at + 1) === bytes.length;
  }

  /** However many there are, one at least. */
  #readFeatures(bytes: Uint8Array, start: number): number {
    if (bytes[start] !== OPEN_LIST) return -1;
    const number = this.#number;
    let at = start;
    this.#count = 0;
    do {
      at = number.scan(bytes, skipSpace(bytes, at + 1));
      if (at < 0 || this.#count === MAX_FEATURES) return -1;
      if (this.#count === this.#features.length) {
        const larger = new Float32Array(2 * this.#count);
        larger.set(this.#features);
        this.#features = larger;
      }
      this.#features[this.#count++] = number.value;
      at = skipSpace(bytes, at);
    } while (bytes[at] === COMMA);
    return bytes[at] === CLOSE_LIST ? at + 1 : -1;
  }

  #text(bytes: Uint8Array, start: number, key: number): number {
    if (bytes[start] !== QUOTE) return key === ID ? this.#wholeNumber(bytes, start) : -1;
    const at = textEnd(bytes, start + 1);
    if (at <= start + 1) return -1; // what an empty text means is for others to say
    if (key === ID) {
      this.idStart = start;
      this.idEnd = at + 1;
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
    return at;
  }
}

function isPlain({ contentEncoding, contentType, properties }: Event): boolean {
  if (contentEncoding !== undefined || (contentType !== undefined && contentType !== 'application/json')) return false;
  // By which a producer may say what the body does not. Asked for one by one: going through all of them takes longer.
  const { model, model_version, priority, routing_key, segment } = properties;
  return (
    model === undefined &&
    model_version === undefined &&
    priority === undefined &&
    routing_key === undefined &&
    segment === undefined
  );
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
