import type { BlobEntry, Blobs, WriteCondition } from './blobs.ts';

/** What is written beside a blob's bytes. */
export interface BlobMeta {
  readonly contentType?: string | undefined;
  /** By names in lower case; ASCII. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/** A blob as a listing has it, with what stands beside it. */
export interface DescribedBlob extends BlobEntry {
  readonly metadata: Readonly<Record<string, string>>;
  readonly modifiedMs: number;
}

/** Access tiers of blobs, as the service calls them. */
export type Tier = 'Hot' | 'Cool' | 'Cold' | 'Archive';

/** One container as jobs need it: beside what all need, ranges, and outputs that appear whole. Throws as `Blobs` does. */
export interface JobBlobs extends Blobs {
  /** Those whose paths begin with `prefix`, ordered by path, in one call for 5,000 of them. */
  describe(prefix: string, signal: AbortSignal): Promise<readonly DescribedBlob[]>;
  /** Bytes `offset` to `offset + count`, fewer where the blob ends before, under the ETag: a changed blob is `BlobGone`. */
  readRange(path: string, offset: number, count: number, etag: string, signal: AbortSignal): Promise<Buffer>;
  /** Writes a whole blob. @returns the new ETag. @throws BlobConflict where `condition` does not hold. Creates the container where it is missing. */
  write(
    path: string,
    bytes: Uint8Array,
    meta: BlobMeta,
    condition: WriteCondition,
    signal: AbortSignal,
  ): Promise<string>;
  /** Puts a block beside a blob, where nobody sees it before a commit names it. @param id the same length for all blocks of a blob */
  stage(path: string, id: string, bytes: Uint8Array, signal: AbortSignal): Promise<void>;
  /**
   * Makes a blob of blocks in one step; blocks that it does not name are gone. @returns the new ETag
   * @throws BlobConflict where `condition` does not hold, BlocksMissing where a block is no longer there.
   */
  commit(
    path: string,
    ids: readonly string[],
    meta: BlobMeta,
    condition: WriteCondition,
    signal: AbortSignal,
  ): Promise<string>;
  /** Blocks that no commit has named yet: their bytes by id. */
  staged(path: string, signal: AbortSignal): Promise<ReadonlyMap<string, number>>;
  /** Takes a blob away, whatever it holds; none that is not there. */
  remove(path: string, signal: AbortSignal): Promise<void>;
  /** Copies within the account, in the service. @param tier of the copy; undefined: the account's own */
  copyFrom(path: string, container: string, source: string, tier: Tier | undefined, signal: AbortSignal): Promise<void>;
}

/** A storage account: its containers by name. */
export type JobStorage = (container: string) => JobBlobs;

/** A block that is to be committed is not there: it expired, after a week, or another commit took it away. */
export class BlocksMissing extends Error {
  override readonly name = 'BlocksMissing';
  readonly retryable = false;
}

/** `container/path`: what names a blob, or where several begin. */
export interface Place {
  readonly container: string;
  readonly path: string;
}

/** Undefined where a text is no `container/path`. */
export function parsePlace(text: string): Place | undefined {
  const match = /^\/?([a-z0-9](?:[a-z0-9]|-(?!-)){1,61}[a-z0-9])\/(.+)$/.exec(text);
  return match ? { container: match[1] as string, path: match[2] as string } : undefined;
}
