import { BlobGone } from '../../core/blobs.ts';
import { type JobStorage, type Place, parsePlace } from '../../core/job-storage.ts';
import { BatchRefusal } from '../problems.ts';

export interface FoundInput {
  /** `container/path` */
  readonly path: string;
  readonly etag: string;
  readonly bytes: number;
  /** What it holds, in the container of the jobs, where it is packed or UTF-16. */
  readonly content?: Content | undefined;
}

/** What a file holds that cannot be read in parts as it is. */
export interface Content {
  /** `container/path` */
  readonly path: string;
  readonly etag: string;
  readonly bytes: number;
  /** Null: as the job says, or as is found. */
  readonly encoding: 'utf-8' | null;
}

const MOST_FILES = 1000;

/** `{date}`, `{yyyy}`, `{MM}` and `{dd}` of a text, replaced. @param date `2026-11-20`; undefined where none was given */
export function fillDate(text: string, date: string | undefined): string {
  return text.replace(/\{(date|yyyy|MM|dd)\}/g, (whole, name: string) => {
    if (date === undefined) throw new BatchRefusal(`${text} has ${whole} in it, and no date was given (--date)`);
    const [yyyy = '', MM = '', dd = ''] = date.split('-');
    return { date, yyyy, MM, dd }[name] ?? whole;
  });
}

/** What of a text with `*`, `**` or `?` in it a listing can be asked for, and what its paths must look like; `*` stays within a folder. */
export function globOf(
  path: string,
): { readonly prefix: string; readonly matches: (path: string) => boolean } | undefined {
  const at = path.search(/[*?]/);
  if (at < 0) return undefined;
  const parts = path.split(/(\*\*\/|\*\*|\*|\?)/).map(part => GLOB[part] ?? part.replace(/[.+^${}()|[\]\\]/g, '\\$&'));
  const pattern = new RegExp(`^${parts.join('')}$`);
  return { prefix: path.slice(0, at), matches: candidate => pattern.test(candidate) };
}

const GLOB: Readonly<Record<string, string>> = { '**/': '(?:.*/)?', '**': '.*', '*': '[^/]*', '?': '[^/]' };

/**
 * The blobs that an input names: one, those under a prefix, or those that fit a glob; ordered by path.
 * @throws BatchRefusal where there are none, or one of them is empty
 */
export async function findInputs(
  storage: JobStorage,
  input: string,
  signal: AbortSignal,
): Promise<readonly FoundInput[]> {
  const place = parsePlace(input);
  if (!place) throw new BatchRefusal(`input ${input}: a blob is expected, as container/path`);
  const found = await list(storage, place, signal);
  if (found.length === 0) throw new BatchRefusal(`input ${input}: there is no such blob, and none under that name`);
  if (found.length > MOST_FILES) {
    throw new BatchRefusal(`input ${input}: ${found.length} blobs, of which a job takes ${MOST_FILES} at most`);
  }
  const empty = found.find(({ bytes }) => bytes === 0);
  if (empty) throw new BatchRefusal(`input ${empty.path} is empty`);
  return found;
}

async function list(storage: JobStorage, { container, path }: Place, signal: AbortSignal): Promise<FoundInput[]> {
  const blobs = storage(container);
  const named = (each: { path: string; etag: string; bytes: number }): FoundInput => ({
    path: `${container}/${each.path}`,
    etag: each.etag,
    bytes: each.bytes,
  });
  const under = async (prefix: string, matches: (path: string) => boolean = () => true) =>
    // Folders of accounts with a hierarchy are blobs of no bytes, and so are markers such as _SUCCESS.
    (await blobs.describe(prefix, signal))
      .filter(blob => matches(blob.path) && !isMarker(blob.path) && blob.metadata.hdi_isfolder === undefined)
      .map(named);
  const glob = globOf(path);
  if (glob) return under(glob.prefix, glob.matches);
  if (path.endsWith('/')) return under(path);
  try {
    const { etag, bytes } = await blobs.properties(path, signal);
    return [named({ path, etag, bytes })];
  } catch (thrown) {
    if (thrown instanceof BlobGone) return under(`${path}/`);
    throw thrown;
  }
}

/** Names that begin with `_` or `.` are no data, as Spark has it. */
const isMarker = (path: string) => /(^|\/)[_.][^/]*$/.test(path);
