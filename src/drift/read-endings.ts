import { BlobGone, type Blobs } from '../core/blobs.ts';
import { restoreCounts, type StoredCounts } from '../sweep/counts.ts';
import { readState } from '../sweep/sweep-partition.ts';
import { addEndings, type Endings, noEndings } from './counts.ts';

/** How the requests of each model's versions ended in an hour, by `model\nversion`; those that no version was found for have none. */
export type EndingsByVersion = ReadonlyMap<string, Endings>;

interface StoredGroup {
  readonly group: { readonly model: string; readonly version: string };
  readonly counts: StoredCounts;
}

/**
 * Reads from the sweep's windows.
 * @param hubs of results and of dead letters
 * @returns undefined where the sweep has not closed that hour yet
 */
export async function readEndings(
  blobs: Blobs,
  hubs: readonly string[],
  hourMs: number,
  signal: AbortSignal,
): Promise<EndingsByVersion | undefined> {
  const found = new Map<string, Endings>();
  for (const hub of hubs) {
    for (const { path } of await blobs.list(`state/${hub}/`, signal)) {
      const partition = path.slice(path.lastIndexOf('/') + 1, -'.json'.length);
      if ((await readState(blobs, path, signal))?.state.open['1h'].has(hourMs)) return undefined;
      for (const group of await readWindow(blobs, hub, partition, hourMs, signal)) addGroup(found, group);
    }
  }
  return found;
}

function addGroup(found: Map<string, Endings>, { group, counts }: StoredGroup): void {
  const { requests, classes, confidences, deadLetters } = restoreCounts(counts);
  const key = `${group.model}\n${group.version.split('+')[0]}`;
  const endings = found.get(key) ?? noEndings();
  found.set(key, endings);
  const [byLabel, byCode] = [Object.fromEntries(classes), Object.fromEntries(deadLetters)];
  addEndings(endings, { requests, confidences, classes: byLabel, deadLetters: byCode });
}

async function readWindow(
  blobs: Blobs,
  hub: string,
  partition: string,
  hourMs: number,
  signal: AbortSignal,
): Promise<readonly StoredGroup[]> {
  const path = `windows/${hub}/${partition}/1h/${new Date(hourMs).toISOString()}.json`;
  try {
    return (JSON.parse((await blobs.readText(path, signal)).text) as { groups: readonly StoredGroup[] }).groups;
  } catch (thrown) {
    if (thrown instanceof BlobGone) return [];
    throw thrown;
  }
}
