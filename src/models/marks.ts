import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { asError } from '../core/errors.ts';
import type { Clock, Log } from '../core/log.ts';
import { isDead, parseProcessName, textOf, thisProcess } from '../processes/process-name.ts';
import { writeAtomically } from './files.ts';

/** Deaths of processes while they opened the same content, in a row. */
export interface Deaths {
  readonly count: number;
  /** When the last of them was found. */
  readonly foundAtMs: number;
  /** The file was tried since. */
  readonly isTried: boolean;
}

/** What outlives a process that opening a file ends, so that the next one knows. Any number of processes share the folder. */
export interface Marks {
  /** Leaves a mark while the work goes on; that it ends, well or not, takes back the deaths that were found before. */
  during<T>(key: string, deaths: Deaths | undefined, work: () => Promise<T>): Promise<T>;
  /** Looks for marks of dead processes. @returns all deaths in a row. */
  look(key: string): Promise<Deaths | undefined>;
  /** The file was tried since the last of these. */
  tried(key: string, deaths: Deaths): Promise<void>;
}

export function createMarks(options: { readonly dir: string; readonly clock: Clock; readonly log: Log }): Marks {
  const { clock, log } = options;
  const dir = join(options.dir, 'marks');
  const deathsFile = (key: string) => join(dir, `${key}.deaths`);
  let made: Promise<unknown> | undefined;
  let isSaid = false;

  async function leave(path: string): Promise<void> {
    try {
      made ??= mkdir(dir, { recursive: true });
      await made;
      await writeFile(path, '');
    } catch (thrown) {
      made = undefined;
      if (!isSaid) log.warn(`${dir}: ${asError(thrown).message}; a file that ends this process will be opened again`);
      isSaid = true;
    }
  }

  /** Where it cannot be kept, the next process begins to count. */
  async function keep(key: string, deaths: Deaths): Promise<void> {
    await writeAtomically(deathsFile(key), JSON.stringify(deaths)).catch(() => {});
  }

  /** Of several processes that find a mark, the one that removes it counts it. */
  async function isTaken(key: string, name: string): Promise<boolean> {
    const owner = name.startsWith(`${key}.`) ? parseProcessName(name.slice(key.length + 1)) : undefined;
    // Of another machine that shares the folder nothing can be told.
    if (owner === undefined || owner.machine !== thisProcess().machine || !isDead(owner)) return false;
    return rm(join(dir, name)).then(
      () => true,
      () => false,
    );
  }

  return {
    async during(key, deaths, work) {
      const path = join(dir, `${key}.${textOf(thisProcess())}-${randomUUID()}`);
      await leave(path);
      try {
        return await work();
      } finally {
        await rm(path, { force: true });
        if (deaths) await rm(deathsFile(key), { force: true });
      }
    },
    async look(key) {
      const names: readonly string[] = await readdir(dir).catch(() => []);
      let found = false;
      for (const name of names) found = (await isTaken(key, name)) || found;
      const before = names.includes(`${key}.deaths`) ? await readDeaths(deathsFile(key)) : undefined;
      if (!found) return before;
      const deaths = { count: (before?.count ?? 0) + 1, foundAtMs: clock(), isTried: false };
      await keep(key, deaths);
      return deaths;
    },
    tried: (key, deaths) => keep(key, { ...deaths, isTried: true }),
  };
}

async function readDeaths(path: string): Promise<Deaths | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch {
    return undefined;
  }
}
