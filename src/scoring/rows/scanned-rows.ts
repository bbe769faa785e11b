import type { Catalog } from '../../core/catalog.ts';
import type { RequestScanner } from '../../core/codec.ts';
import type { Event } from '../../core/event.ts';
import { NO_SEGMENTS, type Routing } from '../../core/routing.ts';
import type { Way } from '../group.ts';
import type { Run } from '../run.ts';

/** What requests ask for, by the bytes that say it, and how it is routed in the run at hand. */
interface Asked {
  readonly model: Buffer;
  readonly modelVersion: Buffer;
  run: Run | undefined;
  routing: Routing | undefined;
  /** Of the one route there is. */
  way: Way | undefined;
  /** Of the routes that a rollout chooses among, of which there are few. */
  readonly ways: Way[];
}

/** Names are echoed in every ending; longer ones are none. */
const MAX_NAME_LENGTH = 256;
/** Models and versions that are told apart without parsing. */
const MAX_ASKED = 8;
/** Where that many events were looked at in vain, a tenth of what parsing them costs, only every so many are. */
const [MISSES, RETRY_EVERY] = [16, 16];
const QUOTE = 34;

/**
 * Takes usual requests from their events' bytes into their groups' rows: codec, route and rows in one go, for a quarter of what parsing costs.
 * It decides nothing itself: whatever it does not know, it leaves to be decoded.
 */
export class ScannedRows {
  readonly #scanner: RequestScanner;
  readonly #catalog: Catalog;
  /** The last one asked for comes first. */
  #asked: Asked[] = [];
  /** What the key of the last event falls into. */
  #bucket = -1;
  /** Events one after the other that were none of the usual ones. */
  #misses = 0;

  constructor(scanner: RequestScanner, catalog: Catalog) {
    this.#scanner = scanner;
    this.#catalog = catalog;
  }

  /** Takes events from one of the batch's on, up to the first that is no usual request; gives its place. The run then has the others, their instances among the rows. */
  take(run: Run, events: readonly Event[], from: number): number {
    const scanner = this.#scanner;
    const { lateBeforeMs } = run;
    if (this.#misses >= MISSES && ++this.#misses % RETRY_EVERY !== 0) return from;
    let at = from;
    let way: Way | undefined;
    for (; at < events.length; at++) {
      const event = events[at] as Event;
      if (event.enqueuedAtMs < lateBeforeMs || !scanner.scan(event)) break;
      // Where one route is for all, those that ask for the same go the same way.
      if (way === undefined || !scanner.fieldsRepeat || this.#asked[0]?.way === undefined)
        way = this.#wayOf(run, event);
      if (way === undefined) break;
      const { scannedRows, scanWidth } = way.group;
      const row = scanWidth > 0 && scannedRows !== undefined ? scannedRows.addScanned(scanner, scanWidth) : -1;
      if (row < 0) break;
      if (scanner.rows === 0) run.addScanned(at, scanner.idStart, scanner.idEnd, way, row);
      else run.addScannedPack(at, scanner, way, row, scanner.rows);
      if (this.#bucket >= 0) run.keepBucket(run.count - 1, this.#bucket);
    }
    if (at > from) this.#misses = 0;
    else if (from < events.length) this.#misses++;
    return at;
  }

  #wayOf(run: Run, event: Event): Way | undefined {
    this.#bucket = -1;
    const asked = this.#scanner.fieldsRepeat ? (this.#asked[0] as Asked) : this.#find(event.body);
    if (asked.run !== run) this.#route(asked, run);
    return asked.way ?? this.#choose(asked, run, event);
  }

  /** Lets go of the run that was taken for last. */
  forget(): void {
    for (const asked of this.#asked) {
      asked.run = undefined;
      asked.routing = undefined;
      asked.way = undefined;
      asked.ways.length = 0;
    }
  }

  #find(body: Buffer): Asked {
    const { modelStart, modelEnd, versionStart, versionEnd } = this.#scanner;
    const list = this.#asked;
    let place = list.findIndex(
      ({ model, modelVersion }) =>
        isText(body, modelStart, modelEnd, model) && isText(body, versionStart, versionEnd, modelVersion),
    );
    if (place < 0) {
      const model = Buffer.from(body.subarray(modelStart, modelEnd));
      const modelVersion = Buffer.from(body.subarray(versionStart, versionEnd));
      place =
        list.push({
          model,
          modelVersion,
          run: undefined,
          routing: undefined,
          way: undefined,
          ways: [],
        }) - 1;
    }
    if (place > 0) {
      list.unshift(...list.splice(place, 1));
      list.length = Math.min(list.length, MAX_ASKED);
    }
    return list[0] as Asked;
  }

  /** Leaves to be decoded what is not loaded, or not there: the decoded request asks again, and ends as that says. */
  #route(asked: Asked, run: Run): void {
    asked.run = run;
    asked.routing = undefined;
    asked.way = undefined;
    asked.ways.length = 0;
    if (asked.model.length > MAX_NAME_LENGTH || asked.modelVersion.length > MAX_NAME_LENGTH) return;
    try {
      const routing = this.#catalog.routing(nameOf(asked.model), nameOf(asked.modelVersion));
      if (routing instanceof Promise) {
        routing.catch(() => {});
        return;
      }
      asked.routing = routing;
      if (routing.route !== undefined) asked.way = run.wayOf(routing.route);
    } catch {
      asked.routing = undefined;
    }
  }

  #choose(asked: Asked, run: Run, event: Event): Way | undefined {
    const { routing, ways } = asked;
    if (routing?.choose === undefined) return undefined;
    try {
      const { route, bucket } = routing.choose(this.#keyOf(run, event), NO_SEGMENTS, event.enqueuedAtMs);
      this.#bucket = bucket;
      for (let i = 0; i < ways.length; i++) if (ways[i]?.route === route) return ways[i];
      const way = run.wayOf(route);
      ways.push(way);
      return way;
    } catch {
      return undefined;
    }
  }

  #keyOf(run: Run, event: Event): string {
    if (event.partitionKey !== undefined) return event.partitionKey;
    const { idStart, idEnd } = this.#scanner;
    if (idEnd === 0) return run.resultId(event);
    const quoted = event.body[idStart] === QUOTE ? 1 : 0;
    return event.body.toString('latin1', idStart + quoted, idEnd - quoted);
  }
}

function nameOf(bytes: Buffer): string | undefined {
  return bytes.length === 0 ? undefined : bytes.toString('latin1');
}

/** Whether a scanned text is the one expected; both absent is equal too. */
function isText(body: Buffer, start: number, end: number, expected: Buffer): boolean {
  if (end - start !== expected.length) return false;
  for (let i = 0; i < expected.length; i++) if (body[start + i] !== expected[i]) return false;
  return true;
}
