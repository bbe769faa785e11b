/** A client of the endpoint by one of its protocols. */
export interface Side {
  readonly name: string;
  /** Sends a batch to each of these partitions at once; resolves when all are acknowledged. */
  produce(hub: string, partitions: number, batch: readonly Buffer[]): Promise<void>;
  /** Reads a hub from its start until so many events have come. */
  drain(hub: string, events: number): Promise<Drained>;
  /** From now on `onBody` is told of what comes to partition 0; resolves when it is listening. */
  listen(hub: string, onBody: (body: Buffer) => void): Promise<void>;
  close(): Promise<void>;
}

/** What came, and how long that took from when the reader was let in. */
export interface Drained {
  readonly events: number;
  readonly ms: number;
}

/** Counts what a reader gets, its way in left out: joining a Kafka group takes a fifth of a second whatever comes after. */
export function counter(wanted: number): { begin(): void; take(events: number): boolean; drained(): Drained } {
  let [events, begun, end] = [0, Number.NaN, Number.NaN];
  return {
    begin() {
      if (Number.isNaN(begun)) begun = performance.now();
    },
    /** True once all has come. */
    take(more) {
      events += more;
      end = performance.now();
      return events >= wanted;
    },
    drained: () => ({ events, ms: end - begun }),
  };
}
