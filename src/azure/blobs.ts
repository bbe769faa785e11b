import { type ContainerClient, RestError } from '@azure/storage-blob';
import type { Connection } from '../config/connection.ts';
import { BlobConflict, BlobGone, type Blobs, type WriteCondition } from '../core/blobs.ts';
import { asError, InfrastructureError } from '../core/errors.ts';
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

  return {
    async list(prefix, signal) {
      return guard(READ, `listing ${[name, prefix].filter(Boolean).join('/')}`, signal, async () => {
        const blobs = [];
        try {
          for await (const blob of (await container()).listBlobsFlat({ prefix, abortSignal: signal })) {
            const { etag, contentLength } = blob.properties;
            blobs.push({ path: blob.name, etag: quoted(etag), bytes: contentLength ?? 0 });
          }
        } catch (thrown) {
          if (!(thrown instanceof RestError && thrown.code === 'ContainerNotFound')) throw thrown;
        }
        return blobs;
      });
    },
    async readText(path, signal) {
      return guard(READ, `reading ${path}`, signal, async () => {
        const response = await (await container()).getBlobClient(path).download(0, undefined, { abortSignal: signal });
        const chunks: Uint8Array[] = [];
        let bytes = 0;
        for await (const chunk of response.readableStreamBody as AsyncIterable<Uint8Array>) {
          bytes += chunk.length;
          if (bytes > MAX_TEXT_BYTES) throw new Error(`${path}: larger than ${MAX_TEXT_BYTES} bytes`);
          chunks.push(chunk);
        }
        return { text: Buffer.concat(chunks).toString('utf8'), etag: response.etag ?? '' };
      });
    },
    async read(path, offset, etag, signal) {
      const doing = `downloading ${path}`;
      return guard(READ, doing, signal, async () => {
        const response = await (await container()).getBlobClient(path).download(offset, undefined, {
          abortSignal: signal,
          conditions: { ifMatch: etag },
        });
        return guardStream(doing, signal, response.readableStreamBody as AsyncIterable<Uint8Array>);
      });
    },
    async properties(path, signal) {
      return guard(READ, `looking at ${path}`, signal, async () => {
        const client = (await container()).getBlobClient(path);
        const { etag, contentLength, metadata } = await client.getProperties({ abortSignal: signal });
        return { etag: etag ?? '', bytes: contentLength ?? 0, metadata: metadata ?? {} };
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

/** What a 409 or 412 means of a blob: a read under If-Match fails so where it was replaced meanwhile, a write where somebody else was first. */
type OnConflict = (doing: string, cause: Error) => Error;
const READ: OnConflict = (doing, cause) => new BlobGone(`${doing}: it was replaced meanwhile`, { cause });
const WRITE: OnConflict = (doing, cause) => new BlobConflict(`${doing}: it was changed meanwhile`, { cause });

async function guard<T>(
  onConflict: OnConflict,
  doing: string,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw translate(onConflict, doing, signal, thrown);
  }
}

async function* guardStream(
  doing: string,
  signal: AbortSignal,
  stream: AsyncIterable<Uint8Array>,
): AsyncIterable<Uint8Array> {
  try {
    yield* stream;
  } catch (thrown) {
    throw translate(READ, doing, signal, thrown);
  }
}

function translate(onConflict: OnConflict, doing: string, signal: AbortSignal, thrown: unknown): Error {
  const cause = asError(thrown);
  // A lost connection is an AbortError too: only the signal tells.
  if (cause instanceof InfrastructureError || signal.aborted) return cause;
  if (cause instanceof RestError) {
    if (cause.statusCode === 404) return new BlobGone(`${doing}: not there`, { cause });
    if (cause.statusCode === 409 || cause.statusCode === 412) return onConflict(doing, cause);
  }
  return new InfrastructureError(`${doing}: ${cause.message.split('\n')[0] || cause.name}`, { cause });
}
