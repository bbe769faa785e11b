import type { Codec } from '../../core/codec.ts';
import { asError, malformed } from '../../core/errors.ts';
import type { InputMapping } from '../../core/input.ts';
import { mapRecords } from '../mapped/map-records.ts';
import { loadProtobuf, type ReadProtobuf } from './read-protobuf.ts';

const byCard = new WeakMap<InputMapping, ReadProtobuf>();

/** Protobuf by the card's schema, which no body names. */
export const protobuf: Codec = {
  name: 'protobuf',
  takes: (_, input) => input?.format === 'protobuf',
  decode(event, input) {
    const mapping = input as InputMapping;
    const read = (reader: ReadProtobuf) => mapRecords(readValue(reader, event.body), event, mapping);
    const known = byCard.get(mapping);
    return known === undefined ? compileCard(mapping).then(read) : read(known);
  },
};

async function compileCard(input: InputMapping): Promise<ReadProtobuf> {
  const compile = await loadProtobuf();
  const reader = compile(String(input.schema), String(input.message));
  byCard.set(input, reader);
  return reader;
}

function readValue(read: ReadProtobuf, body: Buffer): unknown {
  try {
    return read(body);
  } catch (thrown) {
    throw malformed(`the body is no Protobuf of the card's schema: ${asError(thrown).message}`);
  }
}
