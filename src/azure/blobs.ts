import type { Readable } from 'node:stream';
import { type ContainerClient, RestError } from '@azure/storage-blob';
import type { Connection } from '../config/connection.ts';
import { type Blobs, type BlobText, BlobUnusable, ContainerMissing, type WriteCondition } from '../core/blobs.ts';
import { fromUtf8 } from '../core/utf8.ts';
import { guard, guardStream, LIST, READ, WRITE } from './blob-errors.ts';
import { connectContainer } from './connect-blobs.ts';

/** A container of a storage account. The client is made on first use: @azure/identity is slow to load. */
export function createBlobs(connection: Connection, name: string): Blobs {
  let connecting: Promise<ContainerClient> | undefined;
  const container = () => {
    if (!connecting) {
      connecting = connectContainer(connection, name);
      connecting.catch(() => {
        connecting = undefined;
      });
    }
    return connecting;
  };

  /** @param known where the blob is the one of this ETag, it answers 304 */
  async function readText(
    path: string,
    signal: AbortSignal,
    maxBytes = MAX_TEXT_BYTES,
    known?: string,
  ): Promise<BlobText> {
    const response = await (await container()).getBlobClient(path).download(0, undefined, {
      abortSignal: signal,
      ...(known !== undefined && { conditions: { ifNoneMatch: known } }),
    });
    const stream = response.readableStreamBody as Readable;
    const chunks: Uint8Array[] = [];
    let bytes = response.contentLength ?? 0;
    try {
      if (bytes > maxBytes) throw tooLarge(path, bytes, maxBytes);
      bytes = 0;
      for await (const chunk of stream as AsyncIterable<Uint8Array>) {
        bytes += chunk.length;
        if (bytes > maxBytes) throw tooLarge(path, bytes, maxBytes);
        chunks.push(chunk);
      }
    } finally {
      stream.destroy(); // or what was not read keeps its connection
    }
    const text = fromUtf8(Buffer.concat(chunks));
    if (text === undefined) throw new BlobUnusable(`${path}: not UTF-8 text: save it as UTF-8 and upload it again`);
    return { text, etag: etagOf(response.etag), answeredAtMs: response.date?.getTime() };
  }

  return {
    async list(prefix, signal, missing = 'none') {
      return guard(LIST, `listing ${[name, prefix].filter(Boolean).join('/')}`, signal, async () => {
        const blobs = [];
        try {
          const pages = (await container()).listBlobsFlat({ prefix, abortSignal: signal }).byPage();
          for await (const { containerName, segment } of pages) {
            if (containerName !== name) throw new Error('what answered is not Blob Storage');
            for (const { name: path, properties } of segment.blobItems) {
              blobs.push({ path, etag: quoted(properties.etag), bytes: properties.contentLength ?? 0 });
            }
          }
        } catch (thrown) {
          if (!(thrown instanceof RestError && thrown.code === 'ContainerNotFound')) throw thrown;
          if (missing === 'error') throw new ContainerMissing(`container ${name} is not there`, { cause: thrown });
        }
        return blobs;
      });
    },
    async readText(path, signal, maxBytes) {
      return guard(READ, `reading ${path}`, signal, () => readText(path, signal, maxBytes));
    },
    async readNewer(path, etag, signal, maxBytes) {
      return guard(READ, `reading ${path}`, signal, async () => {
        try {
          return await readText(path, signal, maxBytes, etag);
        } catch (thrown) {
          if (thrown instanceof RestError && thrown.statusCode === 304) return undefined;
          throw thrown;
        }
      });
    },
    async read(path, offset, etag, signal) {
      const doing = `downloading ${path}`;
      return guard(READ, doing, signal, async () => {
        const response = await (await container()).getBlobClient(path).download(offset, undefined, {
          abortSignal: signal,
          conditions: { ifMatch: etag },
        });
        etagOf(response.etag);
        return guardStream(doing, signal, response.readableStreamBody as AsyncIterable<Uint8Array>);
      });
    },
    async properties(path, signal) {
      return guard(READ, `looking at ${path}`, signal, async () => {
        const client = (await container()).getBlobClient(path);
        const { etag, contentLength, metadata, lastModified } = await client.getProperties({ abortSignal: signal });
        return { etag: etagOf(etag), bytes: contentLength ?? 0, metadata: metadata ?? {}, modifiedAt: lastModified };
      });
    },
    async writeText(path, text, condition, signal) {
      return guard(WRITE, `writing ${path}`, signal, async () => {
        const body = Buffer.from(text);
        const response = await creatingContainer(await container(), client =>
          client.getBlockBlobClient(path).upload(body, body.length, {
            abortSignal: signal,
            conditions: conditionsOf(condition),
            blobHTTPHeaders: { blobContentType: 'application/json' },
          }),
        );
        return response.etag ?? '';
      });
    },
    async writeFile(path, file, metadata, condition, signal) {
      return guard(WRITE, `uploading ${path}`, signal, async () => {
        const response = await creatingContainer(await container(), client =>
          client.getBlockBlobClient(path).uploadFile(file, {
            abortSignal: signal,
            conditions: conditionsOf(condition),
            metadata: { ...metadata },
          }),
        );
        return response.etag ?? '';
      });
    },
    async append(path, text, at, signal) {
      return guard(WRITE, `appending to ${path}`, signal, async () => {
        const client = (await container()).getAppendBlobClient(path);
        const options = { abortSignal: signal, blobHTTPHeaders: { blobContentType: 'application/x-ndjson' } };
        if (at === 0) await creatingContainer(await container(), () => client.createIfNotExists(options));
        const body = Buffer.from(text);
        await client.appendBlock(body, body.length, { abortSignal: signal, conditions: { appendPosition: at } });
      });
    },
    async delete(path, etag, signal) {
      return guard(WRITE, `deleting ${path}`, signal, async () => {
        const client = (await container()).getBlobClient(path);
        await client.delete({ abortSignal: signal, conditions: { ifMatch: etag }, deleteSnapshots: 'include' });
      });
    },
  };
}

/** Texts are small; something huge under the name of one is a mistake. */
const MAX_TEXT_BYTES = 16 * 1024 * 1024;

function tooLarge(path: string, bytes: number, maxBytes: number): BlobUnusable {
  return new BlobUnusable(
    `${path}: ${bytes} bytes or more, of which at most ${maxBytes} are read: upload a smaller one`,
  );
}

/** What answers without one is a proxy's page, or whatever else stands between. */
function etagOf(etag: string | undefined): string {
  if (etag === undefined) throw new Error('what answered is not Blob Storage');
  return etag;
}

async function creatingContainer<T>(
  client: ContainerClient,
  write: (client: ContainerClient) => Promise<T>,
): Promise<T> {
  try {
    return await write(client);
  } catch (thrown) {
    if (!(thrown instanceof RestError && thrown.code === 'ContainerNotFound')) throw thrown;
    await client.createIfNotExists();
    return write(client);
  }
}

function conditionsOf(condition: WriteCondition): { ifMatch?: string; ifNoneMatch?: string } {
  if (condition === 'any') return {};
  return condition === 'absent' ? { ifNoneMatch: '*' } : { ifMatch: condition.etag };
}

/** Listings give ETags without the quotes that all else gives, and that If-Match wants (RFC 9110, 13.1.1). */
function quoted(etag: string): string {
  return etag.startsWith('"') ? etag : `"${etag}"`;
}
