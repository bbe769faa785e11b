import semver from 'semver';
import type { BlobEntry } from '../core/blobs.ts';
import type { Listing, StoredModel, StoredVersion } from './store.ts';

/** Sorts the blobs of a container into models and versions. */
export function listingOf(blobs: Iterable<BlobEntry>): Listing {
  const files = new Map<string, BlobEntry>();
  for (const blob of blobs) files.set(blob.path, blob);
  const models = new Map<string, StoredModel & { versions: Map<string, StoredVersion> }>();
  const ignored: string[] = [];
  for (const { path, etag, bytes } of files.values()) {
    const [name, folder, file, ...deeper] = path.split('/');
    if (!name || !folder || file !== 'model.onnx' || deeper.length > 0) continue;
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
    model.versions.set(folder, { name, version: folder, modelEtag: etag, cardEtag, bytes });
  }
  return { models, ignored };
}
