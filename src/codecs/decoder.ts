import type { Codec, Decoded, Decoder, Undecoded } from '../core/codec.ts';
import { asError, malformed, RequestError } from '../core/errors.ts';
import type { Event } from '../core/event.ts';
import { eventJson } from './event-json/event-json.ts';
import { JsonScanner } from './event-json/scan-request.ts';
import { ndjson } from './ndjson/ndjson.ts';
import { unpack } from './unpack.ts';

/** Every format there is, in the order in which they are asked; a new one is a folder and a place here. */
const CODECS: readonly Codec[] = [ndjson, eventJson];

export function createDecoder(codecs: readonly Codec[] = CODECS): Decoder {
  function read(packed: Event): readonly Decoded[] | Promise<readonly Decoded[]> {
    const event = unpack(packed);
    for (const codec of codecs) if (codec.takes(event, undefined)) return codec.decode(event, undefined);
    throw malformed('the event is of no format that is read here');
  }
  return {
    decode(event) {
      try {
        const decoded = read(event);
        return decoded instanceof Promise ? decoded.catch(undecoded) : decoded;
      } catch (thrown) {
        return undecoded(thrown);
      }
    },
    createScanner: () => new JsonScanner(),
  };
}

function undecoded(thrown: unknown): [Undecoded] {
  const cause = asError(thrown);
  const error =
    cause instanceof RequestError ? cause : new RequestError('unexpected', 'decode', cause.message, { cause });
  return [{ requestId: undefined, model: undefined, text: undefined, error }];
}
