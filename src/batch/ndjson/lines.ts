import type { Range, RangeResult, Source } from '../range.ts';

const LF = 10;
const BLOCK_BYTES = 4 * 1024 * 1024;

/** Calls back with each line that begins in a range and is not blank, in order: its bytes, without their end, and its place. */
export async function eachLine(
  source: Source,
  { from, to, start }: Range,
  work: (line: Buffer, place: number) => Promise<void>,
): Promise<Pick<RangeResult, 'start' | 'end'>> {
  let place = start ?? Math.max(0, from - 1);
  let bytes = await source.read(place, Math.min(BLOCK_BYTES, source.size - place));
  let at = 0;
  let begun: number | undefined = start ?? (from === 0 ? 0 : undefined);
  for (;;) {
    if (begun !== undefined && place + at >= Math.min(to, source.size)) break;
    let newline = bytes.indexOf(LF, at);
    while (newline < 0 && place + bytes.length < source.size) {
      const more = await source.read(place + bytes.length, Math.max(BLOCK_BYTES, bytes.length - at));
      bytes = Buffer.concat([bytes.subarray(at), more]);
      place += at;
      at = 0;
      newline = bytes.indexOf(LF);
    }
    const end = newline < 0 ? bytes.length : newline;
    // Of the line before only its end is wanted.
    if (begun !== undefined && !isBlank(bytes, at, end)) await work(bytes.subarray(at, end), place + at);
    at = Math.min(end + 1, bytes.length);
    begun ??= place + at;
    if (place + at >= source.size) break;
  }
  return { start: begun, end: place + at };
}

function isBlank(bytes: Buffer, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if ((bytes[at] as number) > 32) return false;
  return true;
}
