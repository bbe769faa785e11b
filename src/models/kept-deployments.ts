import { createHash } from 'node:crypto';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeAtomically } from './files.ts';

/** The last good deployment.json of each model, on disk, so that a process that starts while the one in storage cannot be used has it too. */
export interface KeptDeployments {
  /** Its text; undefined where none was kept, or it cannot be read. */
  read(name: string): Promise<string | undefined>;
  /** @throws Error where the disk fails. */
  keep(name: string, text: string): Promise<void>;
  forget(name: string): Promise<void>;
}

/** @param storage tells the container from others that share the folder */
export function createKeptDeployments(dir: string, storage: string): KeptDeployments {
  const pathOf = (name: string) => join(dir, 'deployments', `${keyOf(storage)}-${keyOf(name)}.json`);
  return {
    read: name => readFile(pathOf(name), 'utf8').catch(() => undefined),
    async keep(name, text) {
      const path = pathOf(name);
      if ((await this.read(name)) === text) return;
      await mkdir(dirname(path), { recursive: true });
      await writeAtomically(path, text);
    },
    forget: name => rm(pathOf(name), { force: true }).catch(() => {}),
  };
}

/** Names come from storage, and may be such as no file can have. */
const keyOf = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 24);
