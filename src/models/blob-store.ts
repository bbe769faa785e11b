import { createHash } from 'node:crypto';
import { type ContainerClient, RestError } from '@azure/storage-blob';
import { asError, InfrastructureError } from '../core/errors.ts';
import { listingOf } from './listing.ts';
import { BlobConflict, BlobGone, type ModelStore, type WriteCondition } from './store.ts';

/** The models container of a storage account. The client is made on first use: @azure/identity is slow to load. */
export function createBlobStore(connect: () => Promise<ContainerClient>): ModelStore {
  let connecting: Promise<ContainerClient> | undefined;
  const container = () => {
    if (!connecting) {
      connecting = connect();
      connecting.catch(() => {
        connecting = undefined;
      });
    }
    return connecting;
  };

  return {
    async list(signal) {
      return guard('listing models', signal, async () => {
        const blobs = [];
        try {
          for await (const blob of (await container()).listBlobsFlat({ abortSignal: signal })) {
            blobs.push({
              path: blob.name,
              etag: blob.properties.etag,
              bytes: blob.properties.contentLength ?? 0,
            });
          }
        } catch (thrown) {
          if (!(thrown instanceof RestError && thrown.code === 'ContainerNotFound')) throw thrown;
        }
        return listingOf(blobs);
      });
    },
    async readText(path, signal) {
      return guard(`reading ${path}`, signal, async () => {
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
      return guard(`downloading ${path}`, signal, async () => {
        const response = await (await container()).getBlobClient(path).download(offset, undefined, {
          abortSignal: signal,
          conditions: { ifMatch: quoted(etag) },
        });
        return guardStream(`downloading ${path}`, signal, response.readableStreamBody as AsyncIterable<Uint8Array>);
      });
    },
    async writeText(path, text, condition, signal) {
      return guard(`writing ${path}`, signal, async () => {
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
    async writeFile(path, file, sha256, signal) {
      await guard(`uploading ${path}`, signal, async () =>
        creatingContainer(await container(), client =>
          client.getBlockBlobClient(path).uploadFile(file, {
            abortSignal: signal,
            conditions: { ifNoneMatch: '*' },
            metadata: { sha256 },
          }),
        ),
      );
    },
    async sha256Of(path, signal) {
      return guard(`looking at ${path}`, signal, async () => {
        const client = (await container()).getBlobClient(path);
        const { metadata } = await client.getProperties({ abortSignal: signal });
        if (metadata?.sha256) return metadata.sha256;
        const hash = createHash('sha256');
        const { readableStreamBody } = await client.download(0, undefined, { abortSignal: signal });
        for await (const chunk of readableStreamBody as AsyncIterable<Uint8Array>) hash.update(chunk);
        return hash.digest('hex');
      });
    },
  };
}

/** Cards and deployments are small; something huge under their name is a mistake. */
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
  return condition === 'absent' ? { ifNoneMatch: '*' } : { ifMatch: quoted(condition.etag) };
}

/** Listings give ETags without the quotes that If-Match wants (RFC 9110, 13.1.1). */
function quoted(etag: string): string {
  return etag.startsWith('"') ? etag : `"${etag}"`;
}

async function guard<T>(doing: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw translate(doing, signal, thrown);
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
    throw translate(doing, signal, thrown);
  }
}

function translate(doing: string, signal: AbortSignal, thrown: unknown): Error {
  const cause = asError(thrown);
  // A lost connection is an AbortError too: only the signal tells.
  if (cause instanceof InfrastructureError || signal.aborted) return cause;
  if (cause instanceof RestError) {
    if (cause.statusCode === 404) return new BlobGone(`${doing}: not there`, { cause });
    const conflict = cause.statusCode === 409 || cause.statusCode === 412;
    // A read under If-Match fails with 412 where the blob was replaced meanwhile.
    if (conflict && doing.startsWith('downloading'))
      return new BlobGone(`${doing}: it was replaced meanwhile`, { cause });
    if (conflict && /^(writing|uploading)/.test(doing)) {
      return new BlobConflict(`${doing}: it was changed meanwhile`, { cause });
    }
  }
  return new InfrastructureError(`${doing}: ${cause.message.split('\n')[0] || cause.name}`, { cause });
}
