import type { AzureMonitorExporterOptions } from '@azure/monitor-opentelemetry-exporter';
import { asError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { BatchTracer } from './batch-tracer.ts';
import type { MetricStore } from './metric-store.ts';

export interface ExportOptions {
  /** Application Insights; absent: nothing is exported and none of its code is loaded. */
  readonly connectionString: string | undefined;
  /** `ClientId=…;Authorization=AAD` for a managed identity, as the Functions host reads it. */
  readonly authentication: string | undefined;
  /** Batches traced a second, at most. */
  readonly tracesPerSecond: number;
  /** The way to Application Insights, where it is not the usual one. */
  readonly httpClient?: AzureMonitorExporterOptions['httpClient'];
}

export interface Exporting {
  /** Undefined until the exporter is there. */
  readonly tracer: BatchTracer | undefined;
  close(): Promise<void>;
}

export interface ExportSource {
  readonly store: MetricStore;
  /** Brings the store up to date before it is read. */
  refresh(): Promise<void>;
  readonly log: Log;
}

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
