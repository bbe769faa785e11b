/** Sequence numbers kept together, and forgotten together once all of them are complete. */
const PAGE = 65_536;

export type EndingKind = 'results' | 'deadLetters';

export interface Fault {
  readonly count: number;
  /** Result ids of the first few. */
  readonly ids: readonly string[];
}

/** First endings of the events of a page, counted by kind; and what is expected, 0 where the event is not asked about. */
interface Page {
  readonly expected: Uint16Array;
  readonly results: Uint16Array;
  readonly deadLetters: Uint16Array;
  /** Of events that carry several requests: the indexes that have ended. */
  readonly indexes: Map<number, Set<number>>;
  /** 1 where an ending was for the event as a whole: its only request, or several that could not be told apart. */
  readonly whole: Uint8Array;
  /** Of events of which some records are passed over: their indexes. */
  readonly passed: Map<number, ReadonlySet<number>>;
}

/** Holds the requests of one partition against their endings: 7 bytes an event, and only for pages that are not complete. */
export class Tally {
  requests = 0;
  readonly #name: string;
  readonly #maxListed: number;
  readonly #pages = new Map<number, Page>();
  readonly #complete = new Set<number>();
  #events = 0;
  #last = -1;
  #skipped = 0;
  readonly #counts = { results: 0, deadLetters: 0 };
  readonly #newest = { results: -1, deadLetters: -1 };
  readonly #missing: { count: number; ids: string[] } = { count: 0, ids: [] };
  readonly #repeated: { count: number; ids: string[] } = { count: 0, ids: [] };
  readonly #otherwise: { count: number; ids: string[] } = { count: 0, ids: [] };
  readonly #outOfOrder: { count: number; ids: string[] } = { count: 0, ids: [] };

  constructor(name: string, maxListed: number) {
    this.#name = name;
    this.#maxListed = maxListed;
  }

  /** The first number of the page behind the last request. */
  nextPage(): number {
    return (Math.floor(Math.max(0, this.#last) / PAGE) + 1) * PAGE;
  }

  /** @param records of the event: whether each is passed over; one that they all are is not asked about. */
  expect(sequenceNumber: number, records: readonly boolean[]): void {
    const page = this.#page(sequenceNumber);
    const passed = records.flatMap((isPassed, i) => (isPassed ? [i] : []));
    if (passed.length < records.length) page.expected[sequenceNumber % PAGE] = records.length;
    if (passed.length > 0 && passed.length < records.length) page.passed.set(sequenceNumber % PAGE, new Set(passed));
    this.requests += records.length;
    this.#skipped += passed.length;
    this.#events++;
    this.#last = Math.max(this.#last, sequenceNumber);
  }

  /** @param index of the request in an event that carries several; undefined for an event's only one */
  end(kind: EndingKind, sequenceNumber: number, index: number | undefined): void {
    if (this.#complete.has(Math.floor(sequenceNumber / PAGE)) || !this.#count(kind, sequenceNumber, index)) {
      note(this.#repeated, this.#id(sequenceNumber, index), this.#maxListed);
      if (this.#endedOtherwise(kind, sequenceNumber))
        note(this.#otherwise, this.#id(sequenceNumber, index), this.#maxListed);
      return;
    }
    const place = sequenceNumber * PAGE + (index ?? 0);
    if (place < this.#newest[kind]) note(this.#outOfOrder, this.#id(sequenceNumber, index), this.#maxListed);
    this.#newest[kind] = Math.max(this.#newest[kind], place);
  }

  /** Lets go of pages whose requests have all been read and have ended. */
  forgetComplete(): void {
    const reading = Math.floor(this.#last / PAGE);
    for (const [number, page] of this.#pages) {
      if (number >= reading || this.#missingIn(number, page).length > 0) continue;
      this.#add(page);
      this.#pages.delete(number);
      this.#complete.add(number);
    }
  }

  /** Call once, when everything has been read. */
  verdict() {
    for (const [number, page] of this.#pages) {
      this.#add(page);
      for (const id of this.#missingIn(number, page)) note(this.#missing, id, this.#maxListed);
    }
    const { results, deadLetters } = this.#counts;
    return {
      events: this.#events,
      requests: this.requests,
      results,
      deadLetters,
      skipped: this.#skipped,
      missing: this.#missing as Fault,
      repeated: this.#repeated as Fault,
      otherwise: this.#otherwise as Fault,
      outOfOrder: this.#outOfOrder as Fault,
    };
  }

  #page(sequenceNumber: number): Page {
    const number = Math.floor(sequenceNumber / PAGE);
    let page = this.#pages.get(number);
    if (!page) {
      const counts = () => new Uint16Array(PAGE);
      page = {
        expected: counts(),
        results: counts(),
        deadLetters: counts(),
        indexes: new Map(),
        whole: new Uint8Array(PAGE),
        passed: new Map(),
      };
      this.#pages.set(number, page);
    }
    return page;
  }

  /** Of pages that are let go of, and of events that carry several requests with endings of both kinds, it cannot be told any more. */
  #endedOtherwise(kind: EndingKind, sequenceNumber: number): boolean {
    const page = this.#pages.get(Math.floor(sequenceNumber / PAGE));
    return page !== undefined && page[kind][sequenceNumber % PAGE] === 0;
  }

  /** False where that request had ended before. */
  #count(kind: EndingKind, sequenceNumber: number, index: number | undefined): boolean {
    const page = this.#page(sequenceNumber);
    const at = sequenceNumber % PAGE;
    const ended = page.results[at]! + page.deadLetters[at]!;
    if (index === undefined) {
      if (ended > 0) return false;
      page.whole[at] = 1;
    } else {
      if (ended > 0 && page.whole[at] === 1) return false;
      const indexes = page.indexes.get(at) ?? new Set();
      if (indexes.has(index)) return false;
      page.indexes.set(at, indexes.add(index));
    }
    page[kind][at]!++;
    return true;
  }

  /** Only events that were asked about: endings of others were read along with theirs. */
  #add({ expected, results, deadLetters, whole }: Page): void {
    for (let at = 0; at < PAGE; at++) {
      const requests = expected[at]!;
      if (requests === 0) continue;
      const weight = whole[at] === 1 ? requests : 1;
      this.#counts.results += results[at]! * weight;
      this.#counts.deadLetters += deadLetters[at]! * weight;
    }
  }

  #missingIn(number: number, { expected, indexes, whole, passed }: Page): string[] {
    const missing: string[] = [];
    for (let at = 0; at < PAGE; at++) {
      const requests = expected[at]!;
      if (requests === 0 || whole[at] === 1) continue;
      const ended = indexes.get(at);
      const left = passed.get(at);
      if ((ended?.size ?? 0) + (left?.size ?? 0) === requests && !overlap(ended, left)) continue;
      const sequenceNumber = number * PAGE + at;
      if (requests === 1) missing.push(this.#id(sequenceNumber, undefined));
      else
        for (let i = 0; i < requests; i++)
          if (!ended?.has(i) && !left?.has(i)) missing.push(this.#id(sequenceNumber, i));
    }
    return missing;
  }

  #id(sequenceNumber: number, index: number | undefined): string {
    return `${this.#name}/${sequenceNumber}${index === undefined ? '' : `/${index}`}`;
  }
}

/** A card that has changed since may pass over what has ended. */
function overlap(ended: ReadonlySet<number> | undefined, passed: ReadonlySet<number> | undefined): boolean {
  return ended !== undefined && passed !== undefined && [...passed].some(index => ended.has(index));
}

function note(fault: { count: number; ids: string[] }, id: string, maxListed: number): void {
  fault.count++;
  if (fault.ids.length < maxListed) fault.ids.push(id);
}
