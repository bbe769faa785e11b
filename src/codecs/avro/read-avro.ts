import type { Schema, Type } from 'avsc';

/** Reads a body's bytes as one value. @throws Error where they are none of the schema. */
export type ReadAvro = (bytes: Buffer) => unknown;

/** What avsc's types read from. */
interface Tap {
  readonly buf: Buffer;
  pos: number;
  readLong(): number;
  skipLong(): void;
  readString(): string;
}

interface Reading {
  _read(tap: Tap): unknown;
}
type TypeClass<T> = new (schema: unknown, options: unknown) => Type & Reading & T;

/** The parts of avsc that are replaced, as far as that goes; it declares only what callers use. */
interface Parts {
  readonly ArrayType: TypeClass<{ readonly itemsType: Reading }>;
  readonly MapType: TypeClass<{ readonly valuesType: Reading }>;
  readonly WrappedUnionType: TypeClass<{ readonly types: readonly Reading[] }>;
  readonly LongType: TypeClass<object>;
  readonly LogicalType: TypeClass<object>;
}

export type CompileAvro = (schema: unknown, references?: readonly unknown[]) => ReadAvro;

let compiler: Promise<CompileAvro> | undefined;

/** The library is loaded where the first Avro event comes: it takes as long as a hundred batches. */
export function loadAvro(): Promise<CompileAvro> {
  compiler ??= import('avsc').then(({ default: avsc }) => compilerOf(avsc));
  return compiler;
}

function compilerOf(avsc: typeof import('avsc')): CompileAvro {
  const { ArrayType, MapType, WrappedUnionType, LongType, LogicalType } = avsc.types as unknown as Parts;

  /** avsc believes what a block says of its length, and reads on past the end: ten bytes could keep it busy for ever. */
  class BoundedArray extends ArrayType {
    override _read(tap: Tap): unknown {
      const items: unknown[] = [];
      for (let left = blockLength(tap); left > 0; left = blockLength(tap)) {
        while (left-- > 0) items.push(this.itemsType._read(tap));
      }
      return items;
    }
  }

  class BoundedMap extends MapType {
    override _read(tap: Tap): unknown {
      const members = Object.create(null) as Record<string, unknown>;
      for (let left = blockLength(tap); left > 0; left = blockLength(tap)) {
        while (left-- > 0) {
          const key = tap.readString();
          members[key] = this.valuesType._read(tap);
        }
      }
      return members;
    }
  }

  /** The value alone, whichever type of the union it has. */
  class PlainUnion extends WrappedUnionType {
    override _read(tap: Tap): unknown {
      const type = this.types[tap.readLong()];
      if (type === undefined) throw new Error('a union has no such branch');
      return type._read(tap);
    }
  }

  /** Beyond 2^53 the digits as text, as JSON requests give them. */
  class ExactLong extends LongType {
    override _read(tap: Tap): unknown {
      const start = tap.pos;
      const value = tap.readLong();
      return Number.isSafeInteger(value) ? value : digitsAt(tap.buf, start);
    }
  }

  class Decimal extends LogicalType {
    readonly #scale: number;

    constructor(schema: unknown, options: unknown) {
      super(schema, options);
      this.#scale = Number((schema as { scale?: unknown }).scale ?? 0);
    }

    /** Called by avsc with the unscaled bytes, big-endian; with none where the body ends before, which it notices later. */
    protected _fromValue(bytes: Buffer | undefined): unknown {
      if (bytes === undefined) return undefined;
      const hex = bytes.toString('hex');
      const unscaled = hex === '' ? 0n : BigInt.asIntN(4 * hex.length, BigInt(`0x${hex}`));
      const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(this.#scale + 1, '0');
      const point = digits.length - this.#scale;
      const text = this.#scale === 0 ? digits : `${digits.slice(0, point)}.${digits.slice(point)}`;
      return `${unscaled < 0n ? '-' : ''}${text}`;
    }
  }

  const typeHook = (schema: Schema, options: unknown): Type | undefined => {
    if (Array.isArray(schema)) return new PlainUnion(schema, options);
    const { type, logicalType } =
      typeof schema === 'object' ? (schema as { type?: unknown; logicalType?: unknown }) : {};
    if (schema === 'long' || (type === 'long' && logicalType !== 'decimal')) return new ExactLong(schema, options);
    if (type === 'array') return new BoundedArray(schema, options);
    return type === 'map' ? new BoundedMap(schema, options) : undefined;
  };

  return (schema, references = []) => {
    const options = { registry: {}, typeHook, logicalTypes: { decimal: Decimal } } as object;
    for (const reference of references) avsc.Type.forSchema(reference as Schema, options);
    const type = avsc.Type.forSchema(schema as Schema, options);
    return bytes => type.fromBuffer(bytes) as unknown;
  };
}

/** How many items the next block has; 0 at the end. Each takes a byte at least, so that there cannot be more than are left. */
function blockLength(tap: Tap): number {
  const given = tap.readLong();
  if (given < 0) tap.skipLong(); // its size in bytes
  const length = Math.abs(given);
  if (length > tap.buf.length - tap.pos) throw new Error('a block is longer than the body');
  return length;
}

/** A zigzag varint of up to ten bytes. */
function digitsAt(bytes: Buffer, start: number): string {
  let raw = 0n;
  for (let i = 0; i < 10; i++) {
    const byte = bytes[start + i] ?? 0;
    raw |= BigInt(byte & 0x7f) << BigInt(7 * i);
    if (byte < 0x80) break;
  }
  return String(BigInt.asIntN(64, (raw >> 1n) ^ -(raw & 1n)));
}
