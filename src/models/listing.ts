import semver from 'semver';
import type { BlobEntry } from '../core/blobs.ts';
import { staysInside } from '../core/inside.ts';
import type { Listing, StoredFile, StoredModel, StoredVersion } from './store.ts';

/**
 * Sorts the blobs of a container into models and versions.
 * @param isComplete whether a card that lies there without a model file needs none: a server has the model, or others answer for it
 */
export function listingOf(blobs: Iterable<BlobEntry>, isComplete: (card: BlobEntry) => boolean = () => false): Listing {
  const files = new Map<string, BlobEntry>();
  for (const blob of blobs) files.set(blob.path, blob);
  const besides = besidesOf(files.values());
  const models = new Map<string, StoredModel & { versions: Map<string, StoredVersion> }>();
  const ignored: string[] = [];
  for (const { path, etag, bytes } of files.values()) {
    const [name, folder, file, ...deeper] = path.split('/');
    if (!name || !folder || deeper.length > 0) continue;
    const cardOnly = file === 'model.json' && isAlone(path, files) && isComplete({ path, etag, bytes });
    if (file !== 'model.onnx' && !cardOnly) continue;
    if (semver.valid(folder) !== folder) {
      ignored.push(`${path}: ignored, since ${folder} is no semantic version like 1.0.0`);
      continue;
    }
    let model = models.get(name);
    if (!model) {
      model = { name, versions: new Map(), deploymentEtag: files.get(`${name}/deployment.json`)?.etag };
      models.set(name, model);
    }
    const cardEtag = files.get(`${name}/${folder}/model.json`)?.etag;
    model.versions.set(folder, {
      name,
      version: folder,
      modelEtag: etag,
      cardEtag,
      bytes: cardOnly ? 0 : bytes,
      ...(cardOnly && { cardOnly }),
      beside: besides.get(`${name}/${folder}`),
    });
  }
  return { models, ignored };
}

/** Cards without a model file beside them. */
export function cardsAlone(blobs: Iterable<BlobEntry>): BlobEntry[] {
  const files = new Map([...blobs].map(blob => [blob.path, blob]));
  return [...files.values()].filter(({ path }) => isAlone(path, files));
}

function isAlone(path: string, files: ReadonlyMap<string, BlobEntry>): boolean {
  return /^[^/]+\/[^/]+\/model\.json$/.test(path) && !files.has(path.replace(/json$/, 'onnx'));
}

/** What has a meaning of its own in a version's folder. */
const KNOWN = new Set(['model.onnx', 'model.json', 'profile.json', 'golden.ndjson']);

/** By folder of a version, what else lies in it. */
function besidesOf(blobs: Iterable<BlobEntry>): Map<string, Map<string, StoredFile>> {
  const besides = new Map<string, Map<string, StoredFile>>();
  for (const blob of blobs) {
    const [, folder = '', name = ''] = /^([^/]+\/[^/]+)\/(.+)$/.exec(blob.path) ?? [];
    if (!name || KNOWN.has(name) || !staysInside(name)) continue;
    let beside = besides.get(folder);
    if (!beside) {
      beside = new Map();
      besides.set(folder, beside);
    }
    beside.set(name, { path: blob.path, etag: blob.etag, bytes: blob.bytes });
  }
  return besides;
}
