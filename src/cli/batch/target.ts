import { createReadStream, existsSync } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Settings } from '../../config/settings.ts';
import { Refusal, type Terminal } from '../terminal.ts';
import { isUrl, uploadTo } from './blob-url.ts';

/** Where an output goes once it is whole. */
export interface Target {
  /** A file, or a folder, that is made in the meantime. */
  readonly aside: string;
  /** Puts it into the output's place. */
  commit(): Promise<void>;
  /** What is left of it goes. */
  clear(): Promise<void>;
}

/** @throws Refusal where something is there already, as far as that can be seen. */
export function openTarget(
  { stdout, folder, signal }: Terminal,
  settings: Settings,
  output: string,
  overwrite: boolean,
  scratch: string,
): Target {
  const beside = join(scratch, 'output');
  const clear = (aside: string) => rm(aside, { recursive: true, force: true });
  if (output === '-') {
    const commit = () => pipeline(createReadStream(beside), stdout, { end: false });
    return { aside: beside, commit, clear: () => clear(beside) };
  }
  if (isUrl(output)) {
    return {
      aside: beside,
      commit: () => uploadTo(settings, output, beside, overwrite, signal),
      clear: () => clear(beside),
    };
  }
  const target = resolve(folder, output);
  checkFree(target, output, overwrite);
  // On the same disk: there a rename is one step.
  const aside = join(dirname(target), `.${basename(target)}.${process.pid}.hubscore-part`);
  return {
    aside,
    async commit() {
      checkFree(target, output, overwrite);
      // A folder is not put over another.
      if ((await stat(aside)).isDirectory()) await clear(target);
      await rename(aside, target);
    },
    clear: () => clear(aside),
  };
}

function checkFree(target: string, output: string, overwrite: boolean): void {
  if (!overwrite && existsSync(target))
    throw new Refusal(`${output} is there already`, 'Give another name, or --overwrite.');
}
