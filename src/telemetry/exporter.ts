import type { TokenCredential } from '@azure/identity';
import type { AzureMonitorExporterOptions } from '@azure/monitor-opentelemetry-exporter';
import type { Log } from '../core/log.ts';
import type { BatchTracer } from './batch-tracer.ts';
import type { MetricStore } from './metric-store.ts';

export interface ExportOptions {
  /** Application Insights; absent: nothing is exported and none of its code is loaded. */
  readonly connectionString: string | undefined;
  /** `ClientId=…;Authorization=AAD` for a managed identity, as the Functions host reads it. */
  readonly authentication: string | undefined;
  /** The managed identity with a client id, or the default credential; needed where `authentication` asks for one. */
  readonly credentialOf?: (clientId: string | undefined) => Promise<TokenCredential>;
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
