import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BlobServiceClient } from '@azure/storage-blob';
import { QueueServiceClient } from '@azure/storage-queue';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ELSEWHERE } from '../support/loopback.ts';
import { launch } from '../support/service.ts';
import { type Storage, startStorage } from '../support/storage.ts';

let storage: Storage;
beforeAll(async () => {
  storage = await startStorage();
});
afterAll(() => storage.stop());

describe('local storage', () => {
  it('keeps what it acknowledged through a SIGKILL', async () => {
    const container = BlobServiceClient.fromConnectionString(storage.connectionString).getContainerClient('kept');
    await container.create();
    const names = Array.from({ length: 20 }, (_, i) => `blob-${i}`);
    await Promise.all(names.map(name => container.getBlockBlobClient(name).upload(`of ${name}`, `of ${name}`.length)));
    await container.getBlobClient('blob-3').setMetadata({ offset: '77' });
    await storage.kill();
    await storage.restart();
    const read = await Promise.all(
      names.map(async name => String(await container.getBlobClient(name).downloadToBuffer())),
    );
    expect(read).toEqual(names.map(name => `of ${name}`));
    expect((await container.getBlobClient('blob-3').getProperties()).metadata).toEqual({ offset: '77' });
  });

  it('keeps the messages of its queues through a SIGKILL', async () => {
    const queue = QueueServiceClient.fromConnectionString(storage.connectionString).getQueueClient('kept');
    await queue.create();
    for (let i = 0; i < 5; i++) await queue.sendMessage(`message ${i}`);
    await storage.kill();
    await storage.restart();
    const { receivedMessageItems } = await queue.receiveMessages({ numberOfMessages: 32 });
    expect(receivedMessageItems.map(({ messageText }) => messageText)).toEqual(
      Array.from({ length: 5 }, (_, i) => `message ${i}`),
    );
  });

  it('listens for this machine alone', async () => {
    const elsewhere = fetch(`http://${ELSEWHERE}:${storage.port}/devstoreaccount1`);
    await expect(elsewhere).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
  });

  it('says which port is in use and what to do', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'hubscore-storage-'));
    const { child, log } = launch('src/local/storage/main.ts', {
      STORAGE_PORT: String(storage.port),
      STORAGE_QUEUE_PORT: '0',
      LOCAL_DATA_DIR: folder,
    });
    const [code] = await once(child, 'close');
    rmSync(folder, { recursive: true, force: true });
    expect(code).toBe(1);
    expect(log()).toContain(`port ${storage.port} is in use`);
    expect(log()).toContain('STORAGE_PORT');
  });

  it('ends cleanly on SIGTERM', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'hubscore-storage-'));
    const { child, log } = launch('src/local/storage/main.ts', { STORAGE_PORT: '0', LOCAL_DATA_DIR: folder });
    child.stdout?.once('data', () => child.kill('SIGTERM'));
    const [code] = await once(child, 'close');
    rmSync(folder, { recursive: true, force: true });
    expect([code, log()]).toEqual([0, expect.stringMatching(/^ready http:\/\/127\.0\.0\.1:\d+/)]);
  });
});
