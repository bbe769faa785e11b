import type { BlobEntry, Blobs } from '../core/blobs.ts';

/** One version as storage has it; ETags tell one content from another. */
export interface StoredVersion {
  readonly name: string;
  /** Semantic version, the folder's name. */
  readonly version: string;
  /** Of model.onnx; where there is none, of the card, which says who answers for it. */
  readonly modelEtag: string;
  /** There is no file but the card. */
  readonly cardOnly?: boolean;
  /** Of model.json; undefined where there is none. */
  readonly cardEtag: string | undefined;
  readonly bytes: number;
  /** What else lies in its folder by name, weights among it. */
  readonly beside?: ReadonlyMap<string, StoredFile> | undefined;
}

/** A file beside a model's own. */
export interface StoredFile {
  readonly path: string;
  readonly etag: string;
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
  /** There is no such container, so it holds none. */
  readonly missing?: boolean;
}

/** Where models are kept: blobs, and what makes models of them. Every method throws as those of `Blobs` do. */
export interface ModelStore
  extends Pick<Blobs, 'readText' | 'readNewer' | 'read' | 'writeText' | 'properties' | 'delete'> {
  /** A container that does not exist holds no models. */
  list(signal: AbortSignal): Promise<Listing>;
  /** All that lies in a version's folder, ordered by path. */
  filesOf(stored: Pick<StoredVersion, 'name' | 'version'>, signal: AbortSignal): Promise<readonly BlobEntry[]>;
  /** Puts a file where nothing is. @throws BlobConflict where something is. */
  writeFile(path: string, file: string, sha256: string, signal: AbortSignal): Promise<void>;
  /** Hex: what the blob was pushed with, else by reading it. @throws BlobGone */
  sha256Of(path: string, signal: AbortSignal): Promise<string>;
}

/** `churn/2.1.3/model.onnx`; the card where it is all there is. */
export function modelPath(stored: Pick<StoredVersion, 'name' | 'version' | 'cardOnly'>): string {
  return stored.cardOnly ? cardPath(stored) : `${stored.name}/${stored.version}/model.onnx`;
}

/** `churn/2.1.3/model.json` */
export function cardPath(stored: Pick<StoredVersion, 'name' | 'version'>): string {
  return `${stored.name}/${stored.version}/model.json`;
}

/** `churn/2.1.3/churn.onnx.data` */
export function besidePath(stored: Pick<StoredVersion, 'name' | 'version'>, name: string): string {
  return `${stored.name}/${stored.version}/${name}`;
}

/** `churn/deployment.json` */
export function deploymentPath(name: string): string {
  return `${name}/deployment.json`;
}

/** Tells one content of a version from another: a file that was replaced is another one. */
export function contentId(stored: StoredVersion): string {
  const beside = [...(stored.beside?.values() ?? [])].map(({ path, etag }) => `|${path} ${etag}`).join('');
  return `${stored.name}/${stored.version}@${stored.modelEtag}|${stored.cardEtag ?? ''}${beside}`;
}
