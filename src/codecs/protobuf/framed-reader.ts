import { readMessageIndexes } from './message-indexes.ts';
import type { CompileProtobuf, ReadProtobuf } from './read-protobuf.ts';

/** Reads bodies that say which message of their schema they are. */
export function framedReader(compile: CompileProtobuf, text: string, references: readonly string[]): ReadProtobuf {
  const readers = new Map<string, ReadProtobuf>();
  return bytes => {
    const { places, message } = readMessageIndexes(bytes);
    const key = places.join('.');
    let read = readers.get(key);
    if (read === undefined) {
      read = compile(text, places, references);
      readers.set(key, read);
    }
    return read(message);
  };
}
