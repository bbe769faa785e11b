import { closeSync, existsSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { z } from 'zod';

const entry = z.tuple([z.string(), z.string(), z.number(), z.number(), z.string()]);

export interface GroupOffset {
  readonly offset: number;
  readonly metadata: string;
}

export interface TopicPartition {
  readonly topic: string;
  readonly index: number;
}

/** The file is written anew, with the newest offsets alone, when it has grown to that many times their number, and more than this. */
const STALE_FACTOR = 4;
const LINES_AT_LEAST = 10_000;

/**
 * What consumer groups have committed, in a file of one JSON line a commit: group, topic, partition, offset, metadata. Written before
 * a commit is acknowledged; half a line that a kill left at the end was never acknowledged, and is left out.
 */
export class GroupOffsets {
  readonly #path: string;
  readonly #of = new Map<string, Map<string, { at: TopicPartition; committed: GroupOffset }>>();
  #fd = -1;
  #lines = 0;
  #count = 0;
  #isTorn = false;

  constructor(path: string) {
    this.#path = path;
    if (existsSync(path))
      for (const line of readFileSync(path, 'utf8').split('\n')) {
        const read = parse(line);
        if (!read) continue;
        const [group, topic, index, offset, metadata] = read;
        this.#set(group, { topic, index }, { offset, metadata });
      }
    this.#rewrite();
  }

  get(group: string, { topic, index }: TopicPartition): GroupOffset | undefined {
    return this.#of.get(group)?.get(`${topic}/${index}`)?.committed;
  }

  partitionsOf(group: string): TopicPartition[] {
    return [...(this.#of.get(group)?.values() ?? [])].map(({ at }) => at);
  }

  /** @throws Error where it cannot be written. */
  commit(group: string, commits: readonly (TopicPartition & GroupOffset)[]): void {
    const lines = commits.map(commit => line(group, commit, commit));
    this.#append(lines.join(''));
    for (const commit of commits) this.#set(group, commit, commit);
    this.#lines += lines.length;
    if (this.#lines > Math.max(LINES_AT_LEAST, STALE_FACTOR * this.#count)) this.#rewrite();
  }

  close(): void {
    closeSync(this.#fd);
  }

  #append(text: string): void {
    const bytes = Buffer.from(this.#isTorn ? `\n${text}` : text);
    this.#isTorn = true; // until all of it is there: what comes next must not continue half a line
    if (writeSync(this.#fd, bytes) < bytes.length) throw new Error(`${this.#path}: the disk is full`);
    this.#isTorn = false;
  }

  #set(group: string, { topic, index }: TopicPartition, { offset, metadata }: GroupOffset): void {
    let offsets = this.#of.get(group);
    if (!offsets) {
      offsets = new Map();
      this.#of.set(group, offsets);
    }
    const key = `${topic}/${index}`;
    if (!offsets.has(key)) this.#count++;
    offsets.set(key, { at: { topic, index }, committed: { offset, metadata } });
  }

  #rewrite(): void {
    const lines = [...this.#of].flatMap(([group, offsets]) =>
      [...offsets.values()].map(({ at, committed }) => line(group, at, committed)),
    );
    // By way of another name: a kill in between must not leave half a file.
    writeFileSync(`${this.#path}.new`, lines.join(''));
    renameSync(`${this.#path}.new`, this.#path);
    if (this.#fd >= 0) closeSync(this.#fd);
    this.#fd = openSync(this.#path, 'a');
    this.#lines = lines.length;
  }
}

function line(group: string, { topic, index }: TopicPartition, { offset, metadata }: GroupOffset): string {
  return `${JSON.stringify([group, topic, index, offset, metadata])}\n`;
}

function parse(text: string): z.infer<typeof entry> | undefined {
  try {
    return entry.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
