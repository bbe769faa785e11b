import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BlobServiceClient } from '@azure/storage-blob';

export interface SampleModel {
  readonly name: string;
  readonly version: string;
  /** Folder with model.onnx and model.json. */
  readonly folder: string;
}

/** A request as samples/requests holds it. */
export interface SampleRequest {
  readonly model: string;
  readonly features: readonly unknown[] | Readonly<Record<string, unknown>>;
}

/** The models under `<samples>/models/<name>/<version>/`. */
export function listSampleModels(samples: string): SampleModel[] {
  const root = join(samples, 'models');
  const folders = (path: string) =>
    readdirSync(path, { withFileTypes: true })
      .filter(entry => entry.isDirectory())
      .map(entry => entry.name)
      .sort();
  return folders(root).flatMap(name =>
    folders(join(root, name)).map(version => ({ name, version, folder: join(root, name, version) })),
  );
}

/** The requests under `<samples>/requests/<model>.jsonl`, by model. */
export function readSampleRequests(samples: string): Map<string, SampleRequest[]> {
  const root = join(samples, 'requests');
  const files = readdirSync(root).filter(file => file.endsWith('.jsonl'));
  return new Map(
    files.map(file => {
      const lines = readFileSync(join(root, file), 'utf8').trim().split('\n');
      return [file.replace(/\.jsonl$/, ''), lines.map(line => JSON.parse(line) as SampleRequest)];
    }),
  );
}

/** Has a container of that name be there. */
export async function createContainer(connectionString: string, name: string): Promise<void> {
  await BlobServiceClient.fromConnectionString(connectionString).getContainerClient(name).createIfNotExists();
}

/** Puts the models where they are not there yet; versions are immutable, so what is there stays. */
export async function uploadSampleModels(
  connectionString: string,
  container: string,
  models: readonly SampleModel[],
): Promise<void> {
  const client = BlobServiceClient.fromConnectionString(connectionString).getContainerClient(container);
  await client.createIfNotExists();
  for (const { name, version, folder } of models) {
    // The card first: a version is there for the app once its model.onnx is.
    for (const file of ['model.json', 'model.onnx']) {
      const blob = client.getBlockBlobClient(`${name}/${version}/${file}`);
      if (!(await blob.exists())) await blob.uploadData(readFileSync(join(folder, file)));
    }
  }
}
