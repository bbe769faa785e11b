import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  AnonymousCredential,
  BlobServiceClient,
  type ContainerClient,
  StorageRetryPolicyType,
} from '@azure/storage-blob';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { uploadModels } from '../../scripts/azure/upload-models.ts';
import { type Storage, startStorage } from '../support/storage.ts';

const FILES = [
  'churn/1.0.0/model.onnx',
  'churn/1.0.0/model.json',
  'churn/deployment.json',
  'train.py',
  'churn/notes.txt',
];

describe('uploading sample models after provisioning', () => {
  let storage: Storage;
  let container: ContainerClient;
  const folder = mkdtempSync(join(tmpdir(), 'hubscore-models-'));

  beforeAll(async () => {
    for (const file of FILES) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), `content of ${file}`);
    }
    storage = await startStorage();
    container = BlobServiceClient.fromConnectionString(storage.connectionString).getContainerClient('models');
    await container.createIfNotExists();
  });
  afterAll(async () => {
    await storage.stop();
    rmSync(folder, { recursive: true });
  });

  const upload = (more: Partial<Parameters<typeof uploadModels>[0]> = {}) =>
    uploadModels({ container, folder, waitsMs: [], wait: async () => {}, say: () => {}, ...more });

  it('lays models out as the contract has them, and nothing else', async () => {
    expect(await upload()).toEqual({ uploaded: 3, kept: 0 });
    const names: string[] = [];
    for await (const blob of container.listBlobsFlat()) names.push(blob.name);
    expect(names.sort()).toEqual(['churn/1.0.0/model.json', 'churn/1.0.0/model.onnx', 'churn/deployment.json']);
  });

  it('leaves what is there as it is', async () => {
    const deployment = container.getBlockBlobClient('churn/deployment.json');
    await deployment.upload('theirs', 6);
    expect(await upload()).toEqual({ uploaded: 0, kept: 3 });
    expect((await deployment.downloadToBuffer()).toString()).toBe('theirs');
  });

  it('waits for a role that does not count yet, and gives up where it never does', async () => {
    let refusals = 0;
    const server = createServer((_, response) => {
      refusals++;
      response.writeHead(403, { 'content-type': 'application/xml' });
      response.end('<Error><Code>AuthorizationPermissionMismatch</Code><Message>not yet</Message></Error>');
    });
    await new Promise<void>(ready => server.listen(0, '127.0.0.1', ready));
    const { port } = server.address() as AddressInfo;
    const refusing = new BlobServiceClient(`http://127.0.0.1:${port}/account`, new AnonymousCredential(), {
      retryOptions: { maxTries: 1, retryPolicyType: StorageRetryPolicyType.FIXED },
    }).getContainerClient('models');
    const waited: number[] = [];
    const said: string[] = [];
    const uploading = upload({
      container: refusing,
      waitsMs: [10, 20],
      wait: async ms => void waited.push(ms),
      say: line => void said.push(line),
    });
    await expect(uploading).rejects.toMatchObject({ statusCode: 403 });
    server.close();
    expect(waited).toEqual([10, 20]);
    expect(refusals).toBe(3);
    expect(said[0]).toContain('AuthorizationPermissionMismatch');
  });
});
