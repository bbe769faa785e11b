import { BlobGone, type Blobs } from '../core/blobs.ts';
import type { Log } from '../core/log.ts';

/** How far a partition is settled where what was passed over last has no ending that could say so. */
export interface PassedOverMark {
  /** Which life of the requests hub the number belongs to, as in `Standing`. */
  readonly log: number;
  /** Which hubs the endings are in: read against others the mark says nothing. */
  readonly endings: string;
  readonly settledThrough: number;
}

/** Never throws: a mark that is lost costs reading again what was passed over. */
export interface PassedOverMarks {
  read(hub: string, partition: string): Promise<PassedOverMark | undefined>;
  write(hub: string, partition: string, mark: PassedOverMark): Promise<void>;
}

const SCHEMA = 1;
/** A partition does not wait longer for storage. */
const PATIENCE_MS = 2_000;

/** Marks in blobs `ledger/<hub>/<partition>.json`. */
export function createPassedOverMarks(blobs: Blobs, log: Log): PassedOverMarks {
  const pathOf = (hub: string, partition: string) => `ledger/${hub}/${partition}.json`;
  return {
    async read(hub, partition) {
      try {
        return parse((await blobs.readText(pathOf(hub, partition), AbortSignal.timeout(PATIENCE_MS))).text);
      } catch (thrown) {
        if (!(thrown instanceof BlobGone))
          log.warn(`${hub}/${partition}: no mark of what was passed over can be read: ${thrown}`);
        return undefined;
      }
    },
    async write(hub, partition, { log: life, endings, settledThrough }) {
      const text = JSON.stringify({ schema: SCHEMA, log: life, endings, settled_through: settledThrough });
      try {
        await blobs.writeText(pathOf(hub, partition), text, 'any', AbortSignal.timeout(PATIENCE_MS));
      } catch (thrown) {
        log.warn(`${hub}/${partition}: no mark of what was passed over can be written: ${thrown}`);
      }
    },
  };
}

/** How far a mark says these hubs are settled; -1 where it says nothing of them. */
export function markedThrough(mark: PassedOverMark | undefined, life: number, endings: string): number {
  return mark !== undefined && mark.log === life && mark.endings === endings ? mark.settledThrough : -1;
}

/** Undefined where it is none, or a newer app's. */
function parse(text: string): PassedOverMark | undefined {
  const { schema, log, endings, settled_through } = JSON.parse(text) as Record<string, unknown>;
  const isMark = typeof log === 'number' && typeof endings === 'string' && Number.isSafeInteger(settled_through);
  if (schema !== SCHEMA || !isMark) return undefined;
  return { log, endings, settledThrough: settled_through as number };
}
