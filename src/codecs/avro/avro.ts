import type { Codec, Found } from '../../core/codec.ts';
import { asError, malformed, RequestError } from '../../core/errors.ts';
import type { Event } from '../../core/event.ts';
import type { InputMapping } from '../../core/input.ts';
import { mapRecords, ROWS_ALONE } from '../mapped/map-records.ts';
import { framedReader } from '../protobuf/framed-reader.ts';
import { loadProtobuf } from '../protobuf/read-protobuf.ts';
import type { SchemaRegistry } from '../schema-registry/schema-registry.ts';
import { parseJson } from '../text.ts';
import { loadAvro, type ReadAvro } from './read-avro.ts';

/** Reads what a frame of a registry holds where that is JSON. */
type ReadJson = (event: Event, input: InputMapping | undefined) => readonly Found[] | Promise<readonly Found[]>;

interface Framed {
  readonly id: string;
  readonly bytes: Buffer;
}

/** How a body is to be read, once its schema is known. */
type Reader = { readonly json: true } | { readonly json?: false; readonly title: string; readonly read: ReadAvro };

const AZURE = /^\s*avro\/binary\+([0-9a-f]{32})\s*$/i;
const WIDE_TEXT = /utf-?(16|32)/i;
/** Byte 0 and a 32-bit id; no text begins with it but UTF-16 and UTF-32. */
const FRAME_BYTES = 5;
/** Azure's serializers of old put four bytes 0 and the id's digits before the Avro, where those of today name it in the content type. */
const [OLD_FRAME, OLD_FRAME_BYTES] = [/^\0{4}([0-9a-f]{32})$/i, 36];

/** Avro by the card's schema, and bodies whose schema is in a registry: by content type (Azure), or in Confluent's frame, which may hold JSON or Protobuf too. */
export function createAvro(registry: SchemaRegistry | undefined, readJson: ReadJson): Codec {
  const byId = new Map<string, Reader>();
  const byCard = new WeakMap<InputMapping, Reader>();

  function readerOf(framed: Framed | undefined, input: InputMapping | undefined): Reader | Promise<Reader> {
    if (framed !== undefined) return byId.get(framed.id) ?? fetchReader(framed.id);
    return byCard.get(input as InputMapping) ?? compileCard(input as InputMapping);
  }

  async function compileCard(input: InputMapping): Promise<Reader> {
    const compile = await loadAvro();
    const reader = { title: "Avro of the card's schema", read: compile(input.schema) };
    byCard.set(input, reader);
    return reader;
  }

  async function fetchReader(id: string): Promise<Reader> {
    if (registry === undefined)
      throw malformed(`the body is of schema ${id} of a schema registry; the setting SCHEMA_REGISTRY names none`);
    const { type, text, references } = await registry.schemaOf(id);
    const title = `schema ${id} of ${registry.title}`;
    const reader: Reader =
      type === 'JSON'
        ? { json: true }
        : type === 'AVRO'
          ? { title: `Avro of ${title}`, read: await compiled(title, text, references) }
          : { title: `Protobuf of ${title}`, read: framedReader(await loadProtobuf(), text, references) };
    byId.set(id, reader);
    return reader;
  }

  async function compiled(title: string, text: string, references: readonly string[]): Promise<ReadAvro> {
    const compile = await loadAvro();
    try {
      return compile(parseJson(text), references.map(parseJson));
    } catch (thrown) {
      throw malformed(`${title} cannot be compiled: ${asError(thrown).message}`);
    }
  }

  function readAs(reader: Reader, event: Event, bytes: Buffer, input: InputMapping | undefined) {
    if (reader.json) return readJson({ ...event, body: bytes }, input);
    return mapRecords(readValue(reader, bytes), event, input ?? ROWS_ALONE);
  }

  return {
    name: 'avro',
    takes: (event, input) => input?.format === 'avro' || framedIn(event, registry) !== undefined,
    decode(event, input) {
      const framed = input?.format === 'avro' ? undefined : framedIn(event, registry);
      const bytes = framed?.bytes ?? event.body;
      const reader = readerOf(framed, input);
      return reader instanceof Promise
        ? reader.then(found => readAs(found, event, bytes, input))
        : readAs(reader, event, bytes, input);
    },
  };
}

function readValue({ title, read }: Extract<Reader, { title: string }>, bytes: Buffer): unknown {
  try {
    return read(bytes);
  } catch (thrown) {
    throw new RequestError('malformed_payload', 'decode', `the body is no ${title}: ${asError(thrown).message}`, {
      cause: thrown,
    });
  }
}

function framedIn(
  { body, contentType, contentEncoding }: Event,
  registry: SchemaRegistry | undefined,
): Framed | undefined {
  const [, id] = contentType === undefined ? [] : (AZURE.exec(contentType) ?? []);
  if (id !== undefined) return { id: id.toLowerCase(), bytes: body };
  if (body[0] !== 0 || body.length < FRAME_BYTES) return undefined;
  if (WIDE_TEXT.test(`${contentType} ${contentEncoding}`)) return undefined;
  const [, old] = registry?.kind === 'azure' ? (OLD_FRAME.exec(body.toString('latin1', 0, OLD_FRAME_BYTES)) ?? []) : [];
  if (old !== undefined) return { id: old.toLowerCase(), bytes: body.subarray(OLD_FRAME_BYTES) };
  return { id: String(body.readUInt32BE(1)), bytes: body.subarray(FRAME_BYTES) };
}
