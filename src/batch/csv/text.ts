import { BatchRefusal } from '../problems.ts';

/** Encodings of texts whose delimiters, quotes and line ends are the bytes that they are in ASCII. UTF-16 is turned into UTF-8 before it comes here. */
export const BYTE_ENCODINGS = ['utf-8', 'windows-1252', 'iso-8859-1'] as const;
export type ByteEncoding = (typeof BYTE_ENCODINGS)[number];
export const ENCODINGS = [...BYTE_ENCODINGS, 'utf-16le', 'utf-16be'] as const;
export type Encoding = (typeof ENCODINGS)[number];

/** @throws TypeError where the bytes are none of the encoding. */
export type Decode = (bytes: Buffer, from: number, to: number) => string;

export function decoderOf(encoding: ByteEncoding): Decode {
  if (encoding === 'iso-8859-1') return (bytes, from, to) => bytes.toString('latin1', from, to);
  const decoder = new TextDecoder(encoding, { fatal: true, ignoreBOM: true });
  // Short texts of ASCII are most of what there is, and quicker without the decoder.
  return (bytes, from, to) => {
    for (let at = from; at < to; at++) if ((bytes[at] as number) > 127) return decoder.decode(bytes.subarray(from, to));
    return bytes.toString('latin1', from, to);
  };
}

const BOMS: readonly (readonly [encoding: Encoding, bom: readonly number[]])[] = [
  ['utf-8', [0xef, 0xbb, 0xbf]],
  ['utf-16le', [0xff, 0xfe]],
  ['utf-16be', [0xfe, 0xff]],
];

export interface FoundEncoding {
  readonly encoding: Encoding;
  /** Bytes of its mark at the beginning. */
  readonly bomBytes: number;
}

/**
 * What a text is encoded as, by its first bytes: by its mark, else UTF-16 where every other byte is 0, else UTF-8 where it can be, else Windows-1252.
 * @param named what somebody says it is
 * @throws BatchRefusal where it is no text
 */
export function encodingOf(head: Buffer, named?: Encoding): FoundEncoding {
  for (const [encoding, bom] of BOMS) {
    if (!bom.every((byte, i) => head[i] === byte)) continue;
    if (named === undefined || named === encoding) return { encoding, bomBytes: bom.length };
  }
  if (named !== undefined) return { encoding: named, bomBytes: 0 };
  const zero = head.indexOf(0);
  if (zero >= 0) {
    const wide = wideEncoding(head);
    if (wide === undefined)
      throw new BatchRefusal(
        `byte ${zero} is 0: the file is no text; CSV, NDJSON, Parquet or Avro of Capture is expected`,
      );
    return { encoding: wide, bomBytes: 0 };
  }
  return { encoding: isUtf8Head(head) ? 'utf-8' : 'windows-1252', bomBytes: 0 };
}

function wideEncoding(head: Buffer): Encoding | undefined {
  const zeros = [0, 0];
  const bytes = Math.min(head.length & ~1, 256);
  for (let at = 0; at < bytes; at++) if (head[at] === 0) zeros[at & 1]!++;
  const most = bytes / 4;
  if (zeros[1]! > most && zeros[0] === 0) return 'utf-16le';
  return zeros[0]! > most && zeros[1] === 0 ? 'utf-16be' : undefined;
}

/** The last character may be cut. */
function isUtf8Head(head: Buffer): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(head, { stream: true });
    return true;
  } catch {
    return false;
  }
}
