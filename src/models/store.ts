/** One version as storage has it; ETags tell one content from another. */
export interface StoredVersion {
  readonly name: string;
  /** Semantic version, the folder's name. */
  readonly version: string;
  readonly modelEtag: string;
  /** Of model.json; undefined where there is none. */
  readonly cardEtag: string | undefined;
  readonly bytes: number;
}

export interface StoredModel {
  readonly name: string;
  readonly versions: ReadonlyMap<string, StoredVersion>;
  readonly deploymentEtag: string | undefined;
}

/** What the store was found to hold. */
export interface Listing {
  readonly models: ReadonlyMap<string, StoredModel>;
  /** What lies there and is no model, in words. */
  readonly ignored: readonly string[];
}

/** A blob's bytes and the ETag they were read under. */
export interface StoredText {
  readonly text: string;
  readonly etag: string;
}

/** Where models are kept. Every method throws InfrastructureError where storage is away, `BlobGone` where the blob is not (or no longer) there. */
export interface ModelStore {
  /** A container that does not exist holds no models. */
  list(signal: AbortSignal): Promise<Listing>;
  /** Path within the container: `churn/deployment.json`. */
  readText(path: string, signal: AbortSignal): Promise<StoredText>;
  /** Bytes from `offset` on, under the ETag: a changed blob is `BlobGone`. */
  read(path: string, offset: number, etag: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
  /** @returns the new ETag. @throws BlobConflict where `condition` does not hold. Creates the container where it is missing. */
  writeText(path: string, text: string, condition: WriteCondition, signal: AbortSignal): Promise<string>;
  /** Puts a file where nothing is. @throws BlobConflict where something is. */
  writeFile(path: string, file: string, sha256: string, signal: AbortSignal): Promise<void>;
  /** Hex: what the blob was pushed with, else by reading it. @throws BlobGone */
  sha256Of(path: string, signal: AbortSignal): Promise<string>;
}

/** `absent`: nothing may be there; an ETag: that content must be there; `any`. */
export type WriteCondition = { readonly etag: string } | 'absent' | 'any';

/** The blob is not there, or no longer the one that was listed. */
export class BlobGone extends Error {
  override readonly name = 'BlobGone';
}

/** Somebody else wrote first. */
export class BlobConflict extends Error {
  override readonly name = 'BlobConflict';
}

/** `churn/2.1.3/model.onnx` */
export function modelPath(stored: Pick<StoredVersion, 'name' | 'version'>): string {
  return `${stored.name}/${stored.version}/model.onnx`;
}

/** `churn/2.1.3/model.json` */
export function cardPath(stored: Pick<StoredVersion, 'name' | 'version'>): string {
  return `${stored.name}/${stored.version}/model.json`;
}

/** `churn/deployment.json` */
export function deploymentPath(name: string): string {
  return `${name}/deployment.json`;
}

/** Tells one content of a version from another: a file that was replaced is another one. */
export function contentId(stored: StoredVersion): string {
  return `${stored.name}/${stored.version}@${stored.modelEtag}|${stored.cardEtag ?? ''}`;
}
