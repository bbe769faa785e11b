import { asError } from '../core/errors.ts';
import type { Exporting, ExportOptions, ExportSource } from './exporter.ts';

/** The exporter takes 130 ms to load, so the first batches go first; the numbers are kept meanwhile. */
const START_AFTER_MS = 3_000;

/** Exports to Application Insights where that is set up, from a few seconds after the start. Its failures are logged, never thrown. */
export function exportTo(options: ExportOptions, source: ExportSource): Exporting {
  const { connectionString } = options;
  return connectionString === undefined ? NOWHERE : exportLater({ ...options, connectionString }, source);
}

const NOWHERE: Exporting = { tracer: undefined, close: async () => {} };

function exportLater(options: ExportOptions & { connectionString: string }, source: ExportSource): Exporting {
  let running: Promise<Exporting | undefined> | undefined;
  let exporting: Exporting | undefined;

  function start(): Promise<Exporting | undefined> {
    running ??= import('./azure-monitor.ts')
      .then(({ startAzureMonitor }) => startAzureMonitor(options, source))
      .catch(error => {
        source.log.warn(`telemetry is not exported to Application Insights: ${asError(error).message}`);
        return undefined;
      });
    return running;
  }
  async function become(): Promise<void> {
    exporting = await start();
  }
  const timer = setTimeout(become, START_AFTER_MS).unref();

  return {
    get tracer() {
      return exporting?.tracer;
    },
    async close() {
      clearTimeout(timer);
      await (await start())?.close();
    },
  };
}
