import type { TokenCredential } from '@azure/identity';
import type { AzureMonitorExporterOptions } from '@azure/monitor-opentelemetry-exporter';
import type { EventBatch } from '../core/event.ts';
import type { Clock, Log } from '../core/log.ts';
import type { ScoredBatch } from '../core/scored-batch.ts';
import type { BatchTiming, BatchTracer } from './batch-tracer.ts';
import type { MetricStore } from './metric-store.ts';

export interface ExportOptions {
  /** Application Insights; absent: nothing is exported and none of its code is loaded. */
  readonly connectionString: string | undefined;
  /** `ClientId=…;Authorization=AAD` for a managed identity, as the Functions host reads it. */
  readonly authentication: string | undefined;
  /** The managed identity with a client id, or the default credential; needed where `authentication` asks for one. */
  readonly credentialOf?: (clientId: string | undefined) => Promise<TokenCredential>;
  /** Rows of traces a second, on average. */
  readonly tracesPerSecond: number;
  /** Whether Microsoft's package is loaded too, for Live Metrics, exceptions and dependencies. */
  readonly liveMetrics?: boolean;
  /** The way to Application Insights, where it is not the usual one. */
  readonly httpClient?: AzureMonitorExporterOptions['httpClient'];
}

/** What Azure Monitor's exporters are made with. */
export type AzureMonitorOptions = AzureMonitorExporterOptions & { readonly connectionString: string };

/** What sends to Application Insights, once it is loaded. */
export interface Exporter {
  readonly tracer: BatchTracer;
  /** Absent until it is loaded. */
  readonly live: LivePage | undefined;
  /** Loads what is not needed for metrics and traces. Never throws. */
  loadLive(): Promise<void>;
  close(): Promise<void>;
}

/** Live Metrics: each batch and each HTTP request as it ends. Nothing of it is kept, or paid for. */
export interface LivePage {
  batch(batch: EventBatch, timing: BatchTiming, isFailure: boolean): void;
  http(route: string, status: number, durationMs: number): void;
  close(): Promise<void>;
}

/** The same from the start on. */
export interface Exporting {
  /** Work was done, so what is heavy may be loaded now. */
  begin(): void;
  /** See BatchTracer; the first batches wait for the exporter. */
  trace(batch: EventBatch, scored: ScoredBatch, timing: BatchTiming, invocation?: string): void;
  readonly live: LivePage | undefined;
  close(): Promise<void>;
}

export interface ExportSource {
  readonly store: MetricStore;
  /** Brings the store up to date before it is read. */
  refresh(): Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
}
