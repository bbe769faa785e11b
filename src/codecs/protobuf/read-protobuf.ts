/** Reads a body's bytes as one value, in the form that JSON would have. @throws Error where they are none of the schema. */
export type ReadProtobuf = (bytes: Buffer) => unknown;

/** A message by its full name, or by its place among the file's messages, then among those of the message before. */
export type MessageChoice = string | readonly number[];

/** @param references texts of .proto files that the schema imports, what they refer to first */
export type CompileProtobuf = (schema: string, message: MessageChoice, references?: readonly string[]) => ReadProtobuf;

type Library = typeof import('protobufjs');

let compiler: Promise<CompileProtobuf> | undefined;

/** The library is loaded where the first Protobuf event comes. */
export function loadProtobuf(): Promise<CompileProtobuf> {
  compiler ??= import('protobufjs').then(({ default: library }) => compilerOf(library));
  return compiler;
}

/** As Protobuf's own JSON has it: whole numbers of 64 bits as text, enums by name, what proto3 leaves out with its default. */
const SHOWN = { longs: String, enums: String, defaults: true, arrays: true, objects: true } as const;
const AS_WRITTEN = { keepCase: true } as const;

function compilerOf(library: Library): CompileProtobuf {
  const { parse, Root, Type, Namespace } = library;

  /** In the file by itself: what it imports may share its package. */
  function nameOf(schema: string, places: readonly number[]): string {
    const { package: space, root } = parse(schema, new Root(), AS_WRITTEN);
    const scope = space === undefined ? root : root.lookup(space);
    let among = scope instanceof Namespace ? scope.nestedArray : [];
    let name: string | undefined;
    for (const place of places) {
      const message = among.filter(each => each instanceof Type)[place];
      if (message === undefined) throw new Error(`the schema has no message at ${places.join('.')}`);
      name = message.fullName;
      among = message.nestedArray;
    }
    if (name === undefined) throw new Error('no message is named');
    return name;
  }

  return (schema, message, references = []) => {
    const root = new Root();
    for (const text of [...references, schema]) parse(text, root, AS_WRITTEN);
    root.resolveAll();
    const type = root.lookupType(typeof message === 'string' ? message : nameOf(schema, message));
    return bytes => type.toObject(type.decode(bytes), SHOWN);
  };
}
