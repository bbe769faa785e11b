import { inflateRawSync } from 'node:zlib';
import { asError } from '../../core/errors.ts';
import { BatchRefusal } from '../problems.ts';
import type { Range, RangeResult, Source } from '../range.ts';

/** An Avro object container file (Apache Avro specification, "Object Container Files"): a header, then blocks of records, a sync marker behind each. */
export interface Container {
  /** JSON of the records' schema. */
  readonly schema: string;
  /** Where the first block begins. */
  readonly from: number;
  /** Calls back with the records of each block whose beginning is in the range: their bytes, how many they are, and the block's place. */
  eachBlock(
    range: Range,
    work: (records: Buffer, count: number, place: number) => Promise<void>,
  ): Promise<Pick<RangeResult, 'start' | 'end'>>;
}

const MAGIC = Buffer.from('Obj\x01', 'latin1');
const SYNC_BYTES = 16;
const HEAD_BYTES = 64 * 1024;
/** Two numbers of ten bytes at most stand before a block's records. */
const COUNTS_BYTES = 20;

/** @throws BatchRefusal where it is none; InfrastructureError */
export async function openContainer(source: Source): Promise<Container> {
  if (source.size === 0) throw new BatchRefusal('the file is empty; an Avro container is expected');
  const head = await source.read(0, Math.min(HEAD_BYTES, source.size));
  if (!head.subarray(0, MAGIC.length).equals(MAGIC))
    throw new BatchRefusal('it is no Avro container: it does not begin with Obj');
  const { metadata, end } = readMetadata(head);
  const sync = head.subarray(end, end + SYNC_BYTES);
  const from = end + SYNC_BYTES;
  const codec = metadata.get('avro.codec')?.toString() ?? 'null';
  const schema = metadata.get('avro.schema')?.toString();
  if (schema === undefined || sync.length < SYNC_BYTES) throw new BatchRefusal('its header is not whole');
  if (codec !== 'null' && codec !== 'deflate')
    throw new BatchRefusal(`its blocks are packed by ${JSON.stringify(codec)}; null or deflate is expected`);

  /** Behind the first marker that ends at a place or later; the file's end where there is none. */
  async function findBlock(place: number): Promise<number> {
    let at = Math.max(from - SYNC_BYTES, place - SYNC_BYTES);
    while (at < source.size) {
      const bytes = await source.read(at, Math.min(HEAD_BYTES, source.size - at));
      const found = bytes.indexOf(sync);
      if (found >= 0) return at + found + SYNC_BYTES;
      if (at + bytes.length >= source.size) break;
      at += bytes.length - SYNC_BYTES + 1;
    }
    return source.size;
  }

  return {
    schema,
    from,
    async eachBlock(range, work) {
      const start = range.start ?? (range.from <= from ? from : await findBlock(range.from));
      let at = start;
      while (at < range.to && at < source.size) {
        const numbers = new Longs(await source.read(at, Math.min(COUNTS_BYTES, source.size - at)));
        const [count, bytes] = [numbers.next(), numbers.next()];
        const length = bytes + SYNC_BYTES;
        const block = await source.read(at + numbers.at, Math.min(length, source.size - at - numbers.at));
        const whole = count >= 0 && bytes >= 0 && block.length === length && block.subarray(bytes).equals(sync);
        if (!whole) throw new BatchRefusal(`the block at byte ${at} is not whole`);
        await work(codec === 'null' ? block.subarray(0, bytes) : inflated(block.subarray(0, bytes), at), count, at);
        at += numbers.at + length;
      }
      return { start, end: at };
    },
  };
}

function inflated(bytes: Buffer, place: number): Buffer {
  try {
    return inflateRawSync(bytes);
  } catch (thrown) {
    throw new BatchRefusal(`the block at byte ${place} cannot be unpacked: ${asError(thrown).message}`);
  }
}

/** Numbers as Avro writes them: zigzag, seven bits a byte. */
class Longs {
  at = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes;
    this.at = at;
  }

  /** NaN where the bytes end before. */
  next(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.#bytes[this.at++];
      if (byte === undefined) return Number.NaN;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) break;
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}

function readMetadata(head: Buffer): { readonly metadata: ReadonlyMap<string, Buffer>; readonly end: number } {
  const metadata = new Map<string, Buffer>();
  const longs = new Longs(head, MAGIC.length);
  const take = () => {
    const length = longs.next();
    if (!(length >= 0 && longs.at + length <= head.length)) throw new BatchRefusal('its header is not whole');
    longs.at += length;
    return head.subarray(longs.at - length, longs.at);
  };
  for (let count = longs.next(); count !== 0; count = longs.next()) {
    if (Number.isNaN(count)) throw new BatchRefusal('its header is not whole');
    if (count < 0) longs.next(); // its size in bytes
    for (let entry = Math.abs(count); entry > 0; entry--) metadata.set(take().toString(), take());
  }
  return { metadata, end: longs.at };
}
