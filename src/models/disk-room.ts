import type { Log } from '../core/log.ts';

/** The disk is full, and nothing there could go. */
export class DiskFull extends Error {
  override readonly name = 'DiskFull';
}

/** Errors of the file system bear a code like ENOSPC. */
export function isDiskFailure(thrown: unknown): boolean {
  return thrown instanceof Error && 'syscall' in thrown;
}

/** The disk is well, but a name is none for it, or that of a folder elsewhere: no later try would do better. */
export function isOfName(thrown: unknown): boolean {
  const code = (thrown as NodeJS.ErrnoException | null)?.code ?? '';
  return ['ENAMETOOLONG', 'ENOTDIR', 'EISDIR', 'EEXIST', 'ENOTEMPTY', 'EINVAL'].includes(code);
}

function isDiskFull(thrown: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes((thrown as NodeJS.ErrnoException | null)?.code ?? '');
}

/**
 * Does work that writes to the disk; where that is full, makes room and does it once more.
 * @param free gives bytes that were freed
 * @throws DiskFull, which says what there was no room for, where there still is none.
 */
export async function withRoom<T>(
  what: { readonly title: string; readonly dir: string; readonly log: Log },
  free: () => Promise<number>,
  work: () => Promise<T>,
): Promise<T> {
  const { title, dir, log } = what;
  const orFull = (thrown: unknown): Error => {
    const next = 'make room there, or set MODEL_CACHE_DIR to a larger disk';
    return new DiskFull(`${title}: no room in the model cache ${dir}: ${next}`, { cause: thrown });
  };
  try {
    return await work();
  } catch (thrown) {
    if (!isDiskFull(thrown)) throw thrown;
    const freed = await free();
    if (freed === 0) throw orFull(thrown);
    log.warn(`model cache ${dir}: the disk is full; ${Math.ceil(freed / 1e6)} MB that nothing uses were removed`);
  }
  return work().catch(thrown => {
    throw isDiskFull(thrown) ? orFull(thrown) : thrown;
  });
}
