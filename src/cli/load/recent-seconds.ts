import { Latencies } from './latencies.ts';
import type { Tally } from './tally.ts';

const WINDOW_SECONDS = 5;

/** Counts and latencies of the last seconds, kept while the load runs. */
export class RecentSeconds {
  /** Of the seconds that have ended, oldest first. */
  readonly sent: number[] = [];
  readonly results: number[] = [];
  private windows: Latencies[] = [new Latencies(2)];
  private before = { sent: 0, results: 0 };
  private readonly mostSeconds: number;

  constructor(mostSeconds = 240) {
    this.mostSeconds = mostSeconds;
  }

  addLatency(ms: number): void {
    this.windows[0]?.add(ms);
  }

  /** To be called once a second. */
  turn(tally: Pick<Tally, 'sent' | 'results'>): void {
    const { sent, results } = tally;
    this.sent.push(sent - this.before.sent);
    this.results.push(results - this.before.results);
    this.before = { sent, results };
    for (const list of [this.sent, this.results]) list.splice(0, list.length - this.mostSeconds);
    this.windows = [new Latencies(2), ...this.windows.slice(0, WINDOW_SECONDS - 1)];
  }

  latencies(): Latencies {
    const all = new Latencies(2);
    for (const window of this.windows) all.merge(window);
    return all;
  }
}
