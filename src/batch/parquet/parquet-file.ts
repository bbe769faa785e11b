import zlib from 'node:zlib';
import type { AsyncBuffer, Compressors, FileMetaData, SchemaElement } from 'hyparquet';
import { asError, InfrastructureError } from '../../core/errors.ts';
import type { ColumnType } from '../cells.ts';
import { BatchRefusal } from '../problems.ts';
import type { Source } from '../range.ts';

/** A column as a reader gives it. */
export type Column = ArrayLike<unknown>;

/** A Parquet file that is open. */
export interface ParquetFile {
  readonly rows: number;
  /** The top level of its schema. */
  readonly names: readonly string[];
  typeOf(name: string): ColumnType;
  /** Where its row groups begin, rows, and how many bytes each has. */
  readonly groups: readonly { readonly from: number; readonly bytes: number }[];
  /** Rows of a column. @throws BatchRefusal where it cannot be read */
  read(name: string, from: number, to: number): Promise<Column>;
}

/** @throws BatchRefusal where it is no Parquet; InfrastructureError */
export async function openParquetFile(source: Source): Promise<ParquetFile> {
  if (source.size === 0) throw new BatchRefusal('the file is empty; Parquet is expected');
  const [{ parquetMetadataAsync, parquetScan }, { compressors }] = await Promise.all([
    import('hyparquet'),
    import('hyparquet-compressors'),
  ]);
  const file: AsyncBuffer = {
    byteLength: source.size,
    async slice(start, end = source.size) {
      const bytes = await source.read(start, end - start);
      return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer;
    },
  };
  const metadata = await refusing('it is no Parquet that can be read', () => parquetMetadataAsync(file));
  const scan = await refusing('it cannot be read', () =>
    parquetScan({ file, metadata, compressors: { ...compressors, ...quicker() } }),
  );
  const elements = topLevel(metadata);
  let from = 0;
  const groups = metadata.row_groups.map(({ num_rows, total_byte_size }) => {
    const group = { from, bytes: Number(total_byte_size) };
    from += Number(num_rows);
    return group;
  });
  return {
    rows: Number(metadata.num_rows),
    names: elements.map(({ name }) => name),
    typeOf: name => typeOf(elements.find(element => element.name === name)),
    groups,
    read: (column, rowStart, rowEnd) =>
      refusing(`column ${JSON.stringify(column)} cannot be read`, () => scan.readColumn({ column, rowStart, rowEnd })),
  };
}

/** What a library says of a file, but not of storage that is away. */
async function refusing<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    const cause = asError(thrown);
    if (cause instanceof InfrastructureError || 'code' in cause || cause.name.startsWith('Blob')) throw cause;
    throw new BatchRefusal(`${what}: ${cause.message}`);
  }
}

/** Node's own; zstd it has from 22.15 on. */
function quicker(): Compressors {
  return {
    GZIP: input => zlib.gunzipSync(input),
    BROTLI: input => zlib.brotliDecompressSync(input),
    ...(typeof zlib.zstdDecompressSync === 'function' && {
      ZSTD: (input: Uint8Array) => zlib.zstdDecompressSync(input),
    }),
  };
}

function topLevel({ schema }: FileMetaData): SchemaElement[] {
  const elements: SchemaElement[] = [];
  const skip = (at: number): number => {
    let next = at + 1;
    for (let child = 0; child < (schema[at]?.num_children ?? 0); child++) next = skip(next);
    return next;
  };
  for (let at = 1; at < schema.length; at = skip(at)) elements.push(schema[at] as SchemaElement);
  return elements;
}

function typeOf(element: SchemaElement | undefined): ColumnType {
  const { type, converted_type: converted, logical_type: logical, num_children } = element ?? {};
  if (num_children !== undefined && num_children > 0) return 'STRING';
  if (converted === undefined && logical === undefined) {
    if (type === 'BOOLEAN' || type === 'INT32' || type === 'INT64' || type === 'FLOAT' || type === 'DOUBLE')
      return type;
  }
  if (logical?.type === 'INTEGER' && type === 'INT64' && logical.isSigned !== false) return 'INT64';
  return converted?.startsWith('TIMESTAMP') || logical?.type === 'TIMESTAMP' ? 'TIMESTAMP' : 'STRING';
}
