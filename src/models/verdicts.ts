import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { BlobGone, type Blobs } from '../core/blobs.ts';
import { asError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { writeAtomically } from './files.ts';
import { type Verdict, verdictSchema } from './verdict.ts';

/** What trying files has shown, so that no file is tried twice: on this machine, and in storage for the others. */
export interface Verdicts {
  find(key: string): Promise<Verdict | undefined>;
  /** Never throws: a verdict that is not kept is found out again. */
  keep(key: string, verdict: Verdict): Promise<void>;
}

/** Where all instances look. */
export type SharedVerdicts = Pick<Blobs, 'readText' | 'writeText'>;

const SHARED_TIMEOUT_MS = 5_000;
const KEPT_FILES = 2_000;

export function createVerdicts(options: {
  /** The folder of the model cache; several processes may share it. */
  readonly dir: string;
  readonly shared?: SharedVerdicts | undefined;
  readonly log: Log;
}): Verdicts {
  const { shared, log } = options;
  const dir = join(options.dir, 'verdicts');
  const fileOf = (key: string) => join(dir, `${key}.json`);
  const said = new Set<string>();

  /** Storage refuses for as long as nobody gives the role. */
  function sayOnce(doing: string, thrown: unknown): void {
    if (said.has(doing)) return;
    said.add(doing);
    log.warn(`${doing}: ${asError(thrown).message}; models are tried on this machine`);
  }

  async function keepHere(key: string, verdict: Verdict): Promise<void> {
    try {
      await mkdir(dir, { recursive: true });
      await writeAtomically(fileOf(key), JSON.stringify(verdict));
      await forgetOldest(dir);
    } catch (thrown) {
      sayOnce(`keeping verdicts in ${dir}`, thrown);
    }
  }

  return {
    async find(key) {
      const here = parse(await readFile(fileOf(key), 'utf8').catch(() => ''));
      if (here || !shared) return here;
      try {
        const there = await shared.readText(sharedPath(key), AbortSignal.timeout(SHARED_TIMEOUT_MS));
        const verdict = parse(there.text);
        if (verdict) await keepHere(key, verdict);
        return verdict;
      } catch (thrown) {
        if (!(thrown instanceof BlobGone)) sayOnce('reading verdicts', thrown);
        return undefined;
      }
    },
    async keep(key, verdict) {
      await keepHere(key, verdict);
      if (!shared || !isForAll(verdict)) return;
      await share(shared, key, verdict).catch(thrown => sayOnce('sharing verdicts', thrown));
    },
  };
}

/** @throws what `Blobs` throws */
export async function share(shared: SharedVerdicts, key: string, verdict: Verdict): Promise<void> {
  await shared.writeText(
    sharedPath(key),
    `${JSON.stringify(verdict)}\n`,
    'any',
    AbortSignal.timeout(SHARED_TIMEOUT_MS),
  );
}

/** How a process was lost may be this machine's doing: another has more memory, or more time. */
const isForAll = (verdict: Verdict) => verdict.ok || verdict.loss === undefined;

const sharedPath = (key: string) => `verdicts/${key}.json`;

/** One that does not parse, as one of an older version of this code, is none. */
function parse(text: string): Verdict | undefined {
  try {
    return verdictSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

async function forgetOldest(dir: string): Promise<void> {
  const names = await readdir(dir);
  if (names.length <= KEPT_FILES) return;
  const files = await Promise.all(
    names.map(async name => {
      const path = join(dir, name);
      return { path, writtenMs: (await stat(path).catch(() => undefined))?.mtimeMs ?? 0 };
    }),
  );
  files.sort((a, b) => a.writtenMs - b.writtenMs);
  for (const { path } of files.slice(0, KEPT_FILES / 2)) await rm(path, { force: true });
}
