/** A blob as a listing has it. An ETag is the same text wherever it comes from, and tells one content from another. */
export interface BlobEntry {
  /** Within the container: `churn/deployment.json`. */
  readonly path: string;
  readonly etag: string;
  readonly bytes: number;
}

/** What a small blob says, and the ETag it was read under. */
export interface BlobText {
  readonly text: string;
  readonly etag: string;
  /** Storage's own clock when it answered, milliseconds since the epoch, to the second; undefined where it does not say. */
  readonly answeredAtMs?: number | undefined;
}

export interface BlobProperties {
  readonly etag: string;
  readonly bytes: number;
  /** By names in lower case. */
  readonly metadata: Readonly<Record<string, string>>;
  /** When it was written last, where that is known. */
  readonly modifiedAt?: Date | undefined;
}

/** `absent`: nothing may be there; an ETag: that content must be there; `any`. */
export type WriteCondition = { readonly etag: string } | 'absent' | 'any';

/**
 * The blobs of one container. Every method throws InfrastructureError where storage is away, `BlobGone` where the blob is not (or no
 * longer) there, `BlobUnusable` where it is there and cannot be read, and whatever it likes once the signal is aborted.
 */
export interface Blobs {
  /**
   * Those whose paths begin with `prefix`, ordered by path.
   * @param missing what a container is that does not exist: one that has none, which is where nothing is said, or an error: ContainerMissing
   */
  list(prefix: string, signal: AbortSignal, missing?: 'none' | 'error'): Promise<readonly BlobEntry[]>;
  /** @param maxBytes more than that is BlobUnusable, and is not read; 16 MiB where nothing is said. What is no UTF-8 is BlobUnusable, too. */
  readText(path: string, signal: AbortSignal, maxBytes?: number): Promise<BlobText>;
  /** The same where the blob is not the one of the ETag; undefined where it still is, which costs a round trip and no bytes. */
  readNewer(path: string, etag: string, signal: AbortSignal, maxBytes?: number): Promise<BlobText | undefined>;
  /** Bytes from `offset` on, under the ETag: a changed blob is `BlobGone`. */
  read(path: string, offset: number, etag: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
  properties(path: string, signal: AbortSignal): Promise<BlobProperties>;
  /** Writes JSON. @returns the new ETag. @throws BlobConflict where `condition` does not hold. Creates the container where it is missing. */
  writeText(path: string, text: string, condition: WriteCondition, signal: AbortSignal): Promise<string>;
  /** The same with the bytes of a file on this machine, and metadata by names in lower case. */
  writeFile(
    path: string,
    file: string,
    metadata: Readonly<Record<string, string>>,
    condition: WriteCondition,
    signal: AbortSignal,
  ): Promise<string>;
  /**
   * Adds to the end of a blob that grows by nothing else, which is made where it is to begin at 0.
   * @param at how many bytes it must have @throws BlobConflict where it has another number: somebody else was first.
   */
  append(path: string, text: string, at: number, signal: AbortSignal): Promise<void>;
  /** Takes a blob away. @throws BlobConflict where it is no longer the one of the ETag, which may be so where there is none, too. */
  delete(path: string, etag: string, signal: AbortSignal): Promise<void>;
}

/** The blob is not there, or no longer the one that was listed. */
export class BlobGone extends Error {
  override readonly name = 'BlobGone';
  readonly retryable = false;
}

/** The blob is there, and a try that comes later would not read it either, until somebody does what the message says: it is archived, too large, no text. */
export class BlobUnusable extends Error {
  override readonly name = 'BlobUnusable';
  readonly retryable = false;
}

/** There is no such container. */
export class ContainerMissing extends Error {
  override readonly name = 'ContainerMissing';
  readonly retryable = false;
}

/** Somebody else wrote first. */
export class BlobConflict extends Error {
  override readonly name = 'BlobConflict';
  readonly retryable = false;
}
