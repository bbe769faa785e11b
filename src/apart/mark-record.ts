/** What a process is at, as it is told to the one after it. */
export interface Mark {
  /** Undefined: requests by HTTP, or a record that cannot be read. */
  readonly partition: string | undefined;
  /** The events that are being scored lie between these sequence numbers: the first of them that has no ending yet, and those behind it. */
  readonly first: number;
  readonly last: number;
  /** How many they are, at most. */
  readonly size: number;
}

/** One partition's place in the file. */
export const RECORD_BYTES = 128;
const BLANK = ' '.repeat(RECORD_BYTES);

/** Nobody is at anything. */
export const NOTHING = Buffer.from(BLANK);

export function writeRecord({ partition, first, last, size }: Mark, into: Buffer): void {
  const text = partition === undefined ? 'http' : `${first} ${last} ${size} ${partition}`;
  into.write(`${text}${BLANK}`, 0, RECORD_BYTES - 1, 'latin1');
  into[RECORD_BYTES - 1] = 10;
}

/** The marks in a file; one that was torn stands for something that was under way, nobody knows what. */
export function readRecords(file: Buffer): Mark[] {
  const marks: Mark[] = [];
  for (let at = 0; at < file.length; at += RECORD_BYTES) {
    const text = file
      .toString('latin1', at, at + RECORD_BYTES)
      .replaceAll('\0', ' ')
      .trim();
    if (text !== '') marks.push(parse(text));
  }
  return marks;
}

const UNKNOWN: Mark = { partition: undefined, first: 0, last: -1, size: 0 };

function parse(text: string): Mark {
  const [, first, last, size, partition] = /^(\d+) (\d+) (\d+) (\S+)$/.exec(text) ?? [];
  if (partition === undefined) return UNKNOWN;
  return { partition, first: Number(first), last: Number(last), size: Number(size) };
}
