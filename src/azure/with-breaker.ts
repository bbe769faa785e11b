import type { Blobs } from '../core/blobs.ts';
import { asError, InfrastructureError } from '../core/errors.ts';
import type { Breaker } from '../core/retry-policies.ts';

/**
 * Blobs that are not asked for while storage is known to be away: what is loaded serves on, and what waits for one fails at once. A call that is given up
 * since no answer came counts as well, and so does what is read of a blob.
 */
export function withBreaker(blobs: Blobs, breaker: Breaker): Blobs {
  const guarded =
    <Args extends unknown[], T>(work: (...args: Args) => Promise<T>) =>
    (...args: Args): Promise<T> =>
      breaker.execute(() => work(...args).catch(thrown => fail(thrown, args)));

  async function* counted(stream: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncIterable<Uint8Array> {
    try {
      yield* stream;
    } catch (thrown) {
      await breaker.execute(() => fail(thrown, [signal])).catch(() => {});
      throw thrown;
    }
  }

  return {
    list: guarded(blobs.list),
    readText: guarded(blobs.readText),
    readNewer: guarded(blobs.readNewer),
    async read(path, offset, etag, signal) {
      return counted(await guarded(blobs.read)(path, offset, etag, signal), signal);
    },
    properties: guarded(blobs.properties),
    writeText: guarded(blobs.writeText),
    writeFile: guarded(blobs.writeFile),
    append: guarded(blobs.append),
    delete: guarded(blobs.delete),
  };
}

/** What waits for storage gives up by its signal. */
function fail(thrown: unknown, args: readonly unknown[]): Promise<never> {
  const isGivenUp = args.some(arg => arg instanceof AbortSignal && arg.aborted);
  const error = asError(thrown);
  if (!isGivenUp || error instanceof InfrastructureError) return Promise.reject(error);
  return Promise.reject(new InfrastructureError(`no answer from storage: ${error.message}`, { cause: error }));
}
