import type { WriteStream } from 'node:tty';
import { createDemoEvents } from './requests.ts';
import { readSampleRequests } from './samples.ts';
import { startDisplay } from './screen.ts';
import { Statistics } from './statistics.ts';
import { sendTraffic } from './traffic.ts';
import { type Hubs, watchHubs } from './watch.ts';

export interface DemoOptions {
  readonly connectionString: string;
  readonly hubs: Hubs;
  /** Folder with requests/. */
  readonly samples: string;
  /** Requests a second. */
  readonly rate: number;
  readonly stdout: WriteStream;
  readonly signal: AbortSignal;
}

/** Streams sample requests through the stack and shows what comes out, until the signal comes. */
export async function runDemo(options: DemoOptions): Promise<void> {
  const { connectionString, hubs, signal } = options;
  const statistics = new Statistics(Date.now());
  const next = createDemoEvents(readSampleRequests(options.samples), Math.random);
  const display = startDisplay(options.stdout, () => statistics.snapshot(Date.now()));
  try {
    await Promise.all([
      watchHubs(connectionString, hubs, statistics, signal),
      sendTraffic(connectionString, hubs.requests, next, options.rate, signal, requests =>
        statistics.addSent(requests, Date.now()),
      ),
    ]);
  } finally {
    display.stop();
  }
}
