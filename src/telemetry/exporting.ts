import { asError } from '../core/errors.ts';
import type { Exporter, Exporting, ExportOptions, ExportSource } from './exporter.ts';

/** Loading takes 130 ms, and 300 more for Live Metrics, in which nothing else runs: the first answer goes first, and what comes right behind it. */
const BEGIN_AFTER_MS = 250;
/** Without any work it is loaded all the same by then: the numbers are kept meanwhile. */
const BEGIN_AT_LATEST_MS = 10_000;
/** Events of batches whose traces wait for the exporter: they are held on to meanwhile. */
const MAX_WAITING_EVENTS = 2_000;

/** Exports to Application Insights where that is set up, once the first work is done. Its failures are logged, never thrown. */
export function exportTo(options: ExportOptions, source: ExportSource): Exporting {
  const { connectionString } = options;
  return connectionString === undefined ? NOWHERE : exportLater({ ...options, connectionString }, source);
}

const NOWHERE: Exporting = { begin() {}, trace() {}, live: undefined, close: async () => {} };

function exportLater(options: ExportOptions & { connectionString: string }, source: ExportSource): Exporting {
  let running: Promise<Exporter | undefined> | undefined;
  let exporter: Exporter | undefined;
  let waiting: Parameters<Exporting['trace']>[] = [];
  let waitingEvents = 0;
  let begun = false;

  function start(): Promise<Exporter | undefined> {
    running ??= import('./azure-monitor.ts')
      .then(({ startAzureMonitor }) => startAzureMonitor(options, source))
      .then(started => {
        exporter = started;
        for (const one of waiting) started.tracer.trace(...one);
        waiting = [];
        return started;
      })
      .catch(error => {
        source.log.warn(`telemetry is not exported to Application Insights: ${asError(error).message}`);
        return undefined;
      });
    return running;
  }
  async function load(): Promise<void> {
    const started = await start();
    if (options.liveMetrics) await started?.loadLive();
  }
  let timer = setTimeout(load, BEGIN_AT_LATEST_MS).unref();

  return {
    begin() {
      if (begun) return;
      begun = true;
      clearTimeout(timer);
      timer = setTimeout(load, BEGIN_AFTER_MS).unref();
    },
    trace(...one) {
      if (exporter) return exporter.tracer.trace(...one);
      waitingEvents += one[0].events.length;
      if (waitingEvents <= MAX_WAITING_EVENTS) waiting.push(one);
    },
    get live() {
      return exporter?.live;
    },
    async close() {
      clearTimeout(timer);
      await (await start())?.close();
    },
  };
}
