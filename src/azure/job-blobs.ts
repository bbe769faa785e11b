import type { Readable } from 'node:stream';
import { type ContainerClient, RestError } from '@azure/storage-blob';
import type { Connection } from '../config/connection.ts';
import type { WriteCondition } from '../core/blobs.ts';
import { type BlobMeta, BlocksMissing, type JobBlobs, type JobStorage } from '../core/job-storage.ts';
import { guard, LIST, READ, WRITE } from './blob-errors.ts';
import { createBlobs } from './blobs.ts';
import { connectContainer } from './connect-blobs.ts';

/** An account as jobs use it. */
export function createJobStorage(connection: Connection): JobStorage {
  const containers = new Map<string, JobBlobs>();
  return name => {
    let blobs = containers.get(name);
    if (!blobs) {
      blobs = createJobBlobs(connection, name);
      containers.set(name, blobs);
    }
    return blobs;
  };
}

function createJobBlobs(connection: Connection, name: string): JobBlobs {
  let connecting: Promise<ContainerClient> | undefined;
  const container = () => {
    connecting ??= connectContainer(connection, name).catch(thrown => {
      connecting = undefined;
      throw thrown;
    });
    return connecting;
  };
  const block = async (path: string) => (await container()).getBlockBlobClient(path);

  return {
    ...createBlobs(connection, name),
    async describe(prefix, signal) {
      return guard(LIST, `listing ${name}/${prefix}`, signal, async () => {
        const found = [];
        const listing = (await container()).listBlobsFlat({ prefix, includeMetadata: true, abortSignal: signal });
        try {
          for await (const { name: path, properties, metadata = {} } of listing) {
            const { etag, contentLength: bytes = 0, lastModified } = properties;
            found.push({ path, etag: quoted(etag), bytes, metadata, modifiedMs: lastModified.getTime() });
          }
        } catch (thrown) {
          if (!isMissingContainer(thrown)) throw thrown;
        }
        return found;
      });
    },
    async readRange(path, offset, count, etag, signal) {
      if (count <= 0) return Buffer.alloc(0);
      return guard(READ, `reading ${name}/${path}`, signal, async () => {
        try {
          const response = await (await block(path)).download(offset, count, {
            abortSignal: signal,
            conditions: { ifMatch: etag },
          });
          const bytes = Buffer.allocUnsafeSlow(response.contentLength ?? count);
          let done = 0;
          for await (const chunk of response.readableStreamBody as Readable) {
            bytes.set(chunk as Uint8Array, done);
            done += (chunk as Uint8Array).length;
          }
          return bytes.subarray(0, done);
        } catch (thrown) {
          if (thrown instanceof RestError && thrown.code === 'InvalidRange') return Buffer.alloc(0);
          throw thrown;
        }
      });
    },
    async write(path, bytes, meta, condition, signal) {
      return guard(WRITE, `writing ${name}/${path}`, signal, () =>
        creating(container, async () => {
          const options = optionsOf(meta, condition, signal);
          const response = await (await block(path)).upload(viewOf(bytes), bytes.length, options);
          return response.etag ?? '';
        }),
      );
    },
    async stage(path, id, bytes, signal) {
      await guard(WRITE, `staging a block of ${name}/${path}`, signal, () =>
        creating(container, async () =>
          (await block(path)).stageBlock(id, viewOf(bytes), bytes.length, { abortSignal: signal }),
        ),
      );
    },
    async commit(path, ids, meta, condition, signal) {
      return guard(WRITE, `committing ${name}/${path}`, signal, async () => {
        try {
          const options = optionsOf(meta, condition, signal);
          return (await (await block(path)).commitBlockList([...ids], options)).etag ?? '';
        } catch (thrown) {
          if (thrown instanceof RestError && thrown.code === 'InvalidBlockList') {
            throw new BlocksMissing(`${name}/${path}: blocks of it are gone`, { cause: thrown });
          }
          throw thrown;
        }
      });
    },
    async staged(path, signal) {
      return guard(READ, `looking at blocks of ${name}/${path}`, signal, async () => {
        try {
          const { uncommittedBlocks = [] } = await (await block(path)).getBlockList('uncommitted', {
            abortSignal: signal,
          });
          return new Map(uncommittedBlocks.map(({ name: id, size }) => [id, size]));
        } catch (thrown) {
          if (thrown instanceof RestError && thrown.statusCode === 404) return new Map<string, number>();
          throw thrown;
        }
      });
    },
    async remove(path, signal) {
      await guard(WRITE, `deleting ${name}/${path}`, signal, async () =>
        (await block(path)).deleteIfExists({ abortSignal: signal, deleteSnapshots: 'include' }),
      );
    },
    async copyFrom(path, from, source, tier, signal) {
      await guard(WRITE, `copying to ${name}/${path}`, signal, () =>
        creating(container, async () => {
          const { url } = (await connectContainer(connection, from)).getBlobClient(source);
          const poller = await (await block(path)).beginCopyFromURL(url, {
            abortSignal: signal,
            ...(tier && { tier }),
          });
          await poller.pollUntilDone();
        }),
      );
    },
  };
}

function optionsOf({ contentType, metadata }: BlobMeta, condition: WriteCondition, signal: AbortSignal) {
  return {
    abortSignal: signal,
    conditions: condition === 'any' ? {} : condition === 'absent' ? { ifNoneMatch: '*' } : { ifMatch: condition.etag },
    ...(contentType !== undefined && { blobHTTPHeaders: { blobContentType: contentType } }),
    ...(metadata && { metadata: { ...metadata } }),
  };
}

/** The same bytes, not a copy of them. */
const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array) => Buffer.from(buffer, byteOffset, byteLength);

const isMissingContainer = (thrown: unknown) => thrown instanceof RestError && thrown.code === 'ContainerNotFound';

async function creating<T>(container: () => Promise<ContainerClient>, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (thrown) {
    if (!isMissingContainer(thrown)) throw thrown;
    await (await container()).createIfNotExists();
    return write();
  }
}

/** Listings give ETags without the quotes that all else gives, and that If-Match wants (RFC 9110, 13.1.1). */
const quoted = (etag: string) => (etag.startsWith('"') ? etag : `"${etag}"`);
