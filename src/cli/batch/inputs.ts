import { createWriteStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { formatOf } from '../../batch/format.ts';
import type { FileToScore } from '../../batch/local/part-worker.ts';
import { unpack } from '../../batch/local/unpack.ts';
import { BatchRefusal } from '../../batch/problems.ts';
import type { Settings } from '../../config/settings.ts';
import type { Terminal } from '../terminal.ts';
import { downloadBlobs, isUrl } from './blob-url.ts';
import { nameMatcher } from './name-pattern.ts';
import type { ScoreOptions } from './score-options.ts';

export interface Inputs {
  readonly files: readonly Omit<FileToScore, 'options' | 'chunkBytes'>[];
  /** Of all of them. */
  readonly bytes: number;
}

/** The files that an input means, packed ones and standard input put down in `scratch`. @throws BatchRefusal where there is none. */
export async function openInputs(
  { stdin, folder, signal }: Terminal,
  settings: Settings,
  input: string,
  { delimiter, encoding, inputFormat }: ScoreOptions,
  scratch: string,
): Promise<Inputs> {
  const files: Omit<FileToScore, 'options' | 'chunkBytes'>[] = [];
  let bytes = 0;
  const add = async (path: string, title: string) => {
    const format = inputFormat ?? formatOf(title) ?? 'csv';
    const unpacked = await unpack(path, title, join(scratch, String(files.length)), encoding, signal);
    files.push({ path: unpacked.path, title, form: { format, delimiter, encoding: unpacked.encoding } });
    bytes += (await stat(unpacked.path)).size;
  };
  if (input === '-') {
    const path = join(scratch, 'stdin');
    await pipeline(stdin, createWriteStream(path), { signal });
    await add(path, 'standard input');
  } else if (isUrl(input)) await downloadBlobs(settings, input, scratch, signal, add);
  else {
    for (const title of await matching(folder, input)) await add(resolve(folder, title), title);
  }
  return { files, bytes };
}

/** Files that a path or a pattern (`*` and `?` in its last part) means, in order. */
async function matching(folder: string, input: string): Promise<string[]> {
  const name = basename(input);
  if (!/[*?]/.test(name)) {
    const found = await stat(resolve(folder, input)).catch(() => undefined);
    if (found === undefined) throw new BatchRefusal(`${input} is not there`);
    if (found.isDirectory())
      throw new BatchRefusal(`${input} is a folder; a file is expected, or a pattern such as '${input}/*.csv'`);
    return [input];
  }
  const matches = nameMatcher(name);
  const place = dirname(input);
  const names = await readdir(resolve(folder, place)).catch(() => [] as string[]);
  const found = names.filter(other => matches(other) && !other.startsWith('.')).sort();
  if (found.length === 0) throw new BatchRefusal(`no file is called ${input}`);
  return found.map(other => join(place, other));
}
