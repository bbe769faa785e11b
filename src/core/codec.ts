import type { RequestError } from './errors.ts';
import type { Event } from './event.ts';
import type { InputMapping } from './input.ts';
import type { OnError, RequestId } from './request.ts';

/** A request as an event carried it: what it does not say is undefined, and scoring's affair. */
export interface DecodedRequest {
  readonly requestId: RequestId | undefined;
  readonly model: string | undefined;
  readonly modelVersion: string | undefined;
  /** See Request. */
  readonly features: unknown;
  /** See Request. */
  readonly ids?: readonly RequestId[] | undefined;
  readonly onError?: OnError | undefined;
  readonly priority: number | undefined;
  readonly timeoutMs: number | undefined;
  readonly routingKey: string | undefined;
  readonly segments: readonly string[];
  /** JSON text of this request alone, where its event carried several; undefined: the event's whole body. */
  readonly text: (() => string) | undefined;
  /** JSON of what the card's `carry` copies into its result. */
  readonly carried?: string | undefined;
}

/** What an event carried where a request was expected; `error` says why it is none. */
export interface Undecoded extends Pick<DecodedRequest, 'requestId' | 'model' | 'text'> {
  readonly error: RequestError;
}

/** What the card's `where` passes over: no request, and no ending. It keeps its place among the event's records. */
export interface PassedOver {
  readonly passedOver: true;
}

export type Decoded = DecodedRequest | Undecoded;
export type Found = Decoded | PassedOver;

/** One format of events. */
export interface Codec {
  readonly name: string;
  /** Whether an event is of this format; asked in turn. @throws RequestError malformed_payload. */
  takes(event: Event, input: InputMapping | undefined): boolean;
  /**
   * The event's requests, in order, at least one; a broken one among several comes as `Undecoded`. May have to be awaited.
   * @param event packed bodies come unpacked
   * @param input the mapping of the model that the event's property or the default names, where its card has one
   * @throws RequestError malformed_payload where the whole event is none.
   */
  decode(event: Event, input: InputMapping | undefined): readonly Found[] | Promise<readonly Found[]>;
}

/** All formats together. */
export interface Decoder {
  /**
   * An event's requests, in order; one `Undecoded` at least, or what was passed over. A promise only where it has to wait.
   * @throws InfrastructureError where a card or a schema cannot be read now; nothing else.
   */
  decode(event: Event): readonly Found[] | Promise<readonly Found[]>;
  /** Whether decoding it may have to wait; false is certain. */
  mayWait(event: Event): boolean;
  /** What the scanner has taken, as the one object that it is. */
  decodeScanned(event: Event): Decoded;
  /** Reads usual requests without parsing them. */
  createScanner(): RequestScanner;
}

/**
 * Reads the narrow shape that nearly all requests have straight from an event's bytes, in two steps: `scan` finds the fields, `readNumbers` the features.
 * It only ever says yes to what `decode` reads the same way as one request of that id, model and version and nothing else.
 * One event at a time: the fields are those of the last one.
 */
export interface RequestScanner {
  /** True where the event may be of the shape, and where its fields stand is known. */
  scan(event: Event): boolean;
  /**
   * The features of the event scanned last, as numbers of the array's type. True where the whole body is of the shape with exactly `width` features (of a pack: a row, row by row), which then stand in `into` from
   * `offset` on; where false, anything may stand there.
   * @param names of the features in their order, UTF-8, where a pack may be a table of columns
   */
  readNumbers(into: Float32Array | Float64Array, offset: number, width: number, names?: readonly Buffer[]): boolean;
  /** Where the id's JSON stands in the body, quotes included; end 0 where there is none. */
  readonly idStart: number;
  readonly idEnd: number;
  /** Where model and version stand, between their quotes; end 0 where absent. Not to be asked where `fieldsRepeat`. */
  readonly modelStart: number;
  readonly modelEnd: number;
  readonly versionStart: number;
  readonly versionEnd: number;
  /** Instances of a pack, be it of one; 0 where the event gives one instance, and no list. */
  readonly rows: number;
  /** Where the list of a pack's ids stands in the body, brackets included, an id a row; end 0 where there is none. */
  readonly rowIdsStart: number;
  readonly rowIdsEnd: number;
  /** Model and version are those of the event scanned before, byte for byte. */
  readonly fieldsRepeat: boolean;
}

export function isPassedOver(found: Found): found is PassedOver {
  return 'passedOver' in found;
}

export function isRequest(decoded: Decoded): decoded is DecodedRequest {
  return !('error' in decoded);
}
