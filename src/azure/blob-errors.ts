import { RestError } from '@azure/storage-blob';
import { BlobConflict, BlobGone, BlobUnusable, ContainerMissing } from '../core/blobs.ts';
import { asError, InfrastructureError } from '../core/errors.ts';

/** What a 412 means of a blob, and a 409: a read under If-Match fails so where it was replaced meanwhile, a write where somebody else was first. */
export type OnConflict = (doing: string, cause: RestError) => Error;

export const READ: OnConflict = (doing, cause) =>
  cause.statusCode === 412 ? new BlobGone(`${doing}: it was replaced meanwhile`, { cause }) : unusable(doing, cause);

export const WRITE: OnConflict = (doing, cause) =>
  ARCHIVED.has(cause.code ?? '')
    ? unusable(doing, cause)
    : new BlobConflict(`${doing}: it was changed meanwhile`, { cause });

export const LIST: OnConflict = (doing, cause) =>
  new InfrastructureError(`${doing}: ${cause.code ?? 'refused'}`, { cause });

/** Runs work on a blob; what it throws is an error of `core/blobs.ts`, or InfrastructureError. */
export async function guard<T>(
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

/** The same for what is read bit by bit. */
export async function* guardStream(
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

const ARCHIVED = new Set(['BlobArchived', 'BlobBeingRehydrated']);

/** The container, not the blob: that is being deleted, or moved. */
const OF_ALL = /^(Container|Account)/;

/** Storage answers, and no later try would read it: taken for an outage it would hold up its events for ever, and count against storage for all others. */
function unusable(doing: string, cause: RestError): Error {
  if (OF_ALL.test(cause.code ?? '')) return new InfrastructureError(`${doing}: ${cause.code}`, { cause });
  const why = ARCHIVED.has(cause.code ?? '')
    ? 'it lies in the archive tier: rehydrate it (set its tier to Hot or Cool, which takes hours), or delete it and upload it again'
    : `storage refuses it (${cause.code ?? cause.statusCode})`;
  return new BlobUnusable(`${doing}: ${why}`, { cause });
}

function translate(onConflict: OnConflict, doing: string, signal: AbortSignal, thrown: unknown): Error {
  const cause = asError(thrown);
  // A lost connection is an AbortError too: only the signal tells.
  if (cause instanceof InfrastructureError || signal.aborted) return cause;
  if (cause instanceof BlobUnusable || cause instanceof ContainerMissing) return cause;
  if (cause instanceof RestError) {
    if (isGone(cause) && onConflict !== LIST) return new BlobGone(`${doing}: not there`, { cause });
    if (cause.statusCode === 409 || cause.statusCode === 412) return onConflict(doing, cause);
  }
  return new InfrastructureError(`${doing}: ${cause.message.split('\n')[0] || cause.name}`, { cause });
}

/** Storage's own 404 bears its mark; a page that some gateway answers with says nothing of the blob. */
function isGone({ statusCode, response }: RestError): boolean {
  return statusCode === 404 && response?.headers.has('x-ms-request-id') === true;
}
