import { globSync } from 'node:fs';
import { join, sep } from 'node:path';
import { type ContainerClient, RestError } from '@azure/storage-blob';

export interface Upload {
  readonly container: ContainerClient;
  /** Folder laid out as the container is: `<name>/<version>/model.onnx`, `<name>/deployment.json`. */
  readonly folder: string;
  /** A role just given takes minutes to count: tried again after each of these waits, in milliseconds, while access is refused. */
  readonly waitsMs: readonly number[];
  readonly wait: (milliseconds: number) => Promise<void>;
  readonly say: (line: string) => void;
}

/**
 * Uploads what is not there yet; a blob that exists stays as it is.
 * @returns how many were uploaded and how many were there.
 * @throws RestError where storage refuses for other reasons than a role that does not count yet, or for longer.
 */
export async function uploadModels(upload: Upload): Promise<{ uploaded: number; kept: number }> {
  const { container, folder } = upload;
  const beside = globSync(BESIDE, { cwd: folder }).sort();
  // A model is never seen without what belongs to it.
  const files = [...beside, ...globSync(['*/*/model.onnx', '*/deployment.json'], { cwd: folder }).sort()];
  let uploaded = 0;
  for (const file of files) {
    const blob = container.getBlockBlobClient(file.split(sep).join('/'));
    const isNew = await patiently(upload, () => create(() => blob.uploadFile(join(folder, file), ONLY_NEW)));
    if (isNew) uploaded += 1;
  }
  return { uploaded, kept: files.length - uploaded };
}

/** Cards, weights, and what a tokenizer consists of. */
const BESIDE = ['*/*/model.json', '*/*/*.data', '*/*/*_data', '*/*/{tokenizer,tokenizer_config,config}.json'];
const ONLY_NEW = { conditions: { ifNoneMatch: '*' } };

/** False where the blob was there. */
async function create(put: () => Promise<unknown>): Promise<boolean> {
  try {
    await put();
    return true;
  } catch (error) {
    if (error instanceof RestError && error.code === 'BlobAlreadyExists') return false;
    throw error;
  }
}

async function patiently<T>({ waitsMs, wait, say }: Upload, attempt: () => Promise<T>): Promise<T> {
  for (const milliseconds of waitsMs) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof RestError) || error.statusCode !== 403) throw error;
      say(
        `model storage refuses (${error.code}); a new role takes minutes to count, trying again in ${milliseconds / 1000} s`,
      );
      await wait(milliseconds);
    }
  }
  return attempt();
}
