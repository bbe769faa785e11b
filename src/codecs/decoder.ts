import {
  type Codec,
  type Decoded,
  type Decoder,
  type Found,
  isPassedOver,
  isRequest,
  type Undecoded,
} from '../core/codec.ts';
import { asError, InfrastructureError, malformed, RequestError } from '../core/errors.ts';
import type { Event } from '../core/event.ts';
import type { InputMapping, InputSource } from '../core/input.ts';
import { createAvro } from './avro/avro.ts';
import { cloudEvents } from './cloud-events/cloud-events.ts';
import { eventJson } from './event-json/event-json.ts';
import { isPlain, JsonScanner } from './event-json/scan-request.ts';
import { mapped } from './mapped/mapped.ts';
import { msgpack } from './msgpack/msgpack.ts';
import { ndjson } from './ndjson/ndjson.ts';
import { protobuf } from './protobuf/protobuf.ts';
import type { SchemaRegistry } from './schema-registry/schema-registry.ts';
import { unpack } from './unpack.ts';

/** Every format there is, in the order in which they are asked; a new one is a folder and a place here. */
export function allCodecs(registry?: SchemaRegistry): readonly Codec[] {
  const json: readonly Codec[] = [mapped, ndjson, eventJson];
  const avro = createAvro(registry, (event, input) => readBy(json, event, input));
  const bodies: readonly Codec[] = [msgpack, protobuf, avro, ...json];
  return [cloudEvents((event, input) => readBy(bodies, event, input)), ...bodies];
}

/** Cards that say nothing of their input. */
const NO_INPUTS: InputSource = { inputOf: () => undefined };

/** @param inputs whose cards say how events are read */
export function createDecoder(codecs: readonly Codec[] = allCodecs(), inputs: InputSource = NO_INPUTS): Decoder {
  function read(given: Event): readonly Found[] | Promise<readonly Found[]> {
    const event = withContentType(given);
    const input = inputFor(event, inputs);
    if (!(input instanceof Promise)) return readBy(codecs, unpack(event), input);
    const readAs = (known: InputMapping | undefined) => readBy(codecs, unpack(event), known);
    return input.then(readAs, thrown => {
      if (thrown instanceof RequestError) return excused(readAs(undefined), thrown);
      throw thrown;
    });
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
    mayWait: event => !isPlain(event),
    decodeScanned: event => (eventJson.decode(event, undefined) as readonly Decoded[])[0] as Decoded,
    createScanner: () => new JsonScanner(),
  };
}

function readBy(codecs: readonly Codec[], event: Event, input: InputMapping | undefined) {
  for (const codec of codecs) if (codec.takes(event, input)) return codec.decode(event, input);
  throw malformed('the event is of no format that is read here');
}

function inputFor(
  { properties }: Event,
  inputs: InputSource,
): InputMapping | undefined | Promise<InputMapping | undefined> {
  return inputs.inputOf(nameIn(properties.model), nameIn(properties.model_version));
}

/** Kafka has no content type but a header of that name, which Event Hubs gives on as a property. */
function withContentType(event: Event): Event {
  if (event.contentType !== undefined) return event;
  const contentType = nameIn(event.properties['content-type']);
  return contentType === undefined ? event : { ...event, contentType };
}

function nameIn(value: unknown): string | undefined {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8');
  return typeof value === 'string' ? value : undefined;
}

/** Where the model is not to be had its mapping is not known: what then looks like no request may well be one. */
async function excused(
  found: readonly Found[] | Promise<readonly Found[]>,
  error: RequestError,
): Promise<readonly Found[]> {
  return (await found).map(item => (isPassedOver(item) || isRequest(item) ? item : { ...item, error }));
}

/** @throws InfrastructureError: the event waits for what is away. */
function undecoded(thrown: unknown): [Undecoded] {
  if (thrown instanceof InfrastructureError) throw thrown;
  const cause = asError(thrown);
  const error =
    cause instanceof RequestError ? cause : new RequestError('unexpected', 'decode', cause.message, { cause });
  return [{ requestId: undefined, model: undefined, text: undefined, error }];
}
