import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { RequestOptions } from 'node:http';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api';
import { logs, SeverityNumber } from '@opentelemetry/api-logs';
import type { Resource } from '@opentelemetry/resources';
import { AggregationType } from '@opentelemetry/sdk-metrics';
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace-base';
import { shutdownAzureMonitor, useAzureMonitor } from 'applicationinsights';
import { FAULTS, type Fault } from '../core/fault-log.ts';
import type { Clock } from '../core/log.ts';
import type { AzureMonitorOptions, LivePage } from './exporter.ts';
import { createRowBudget } from './row-budget.ts';

const BURST_ROWS = 20;

export interface ApplicationInsightsOptions {
  readonly exporter: AzureMonitorOptions;
  readonly resource: Resource;
  /** Of the app's own exporter, which dependencies go by. */
  readonly tracer: Tracer;
  /** Rows of dependencies a second, on average. */
  readonly rowsPerSecond: number;
  readonly clock: Clock;
}

/**
 * Microsoft's package, for what the bare exporters lack: Live Metrics, exceptions, and calls by HTTP as dependencies. Metrics and traces stay with
 * the app's own exporters, so the package samples every span out: it records them for the live page and sends none. What it would count
 * by itself (standard metrics, performance counters, the HTTP library's) is dropped: the app counts already.
 * Its own collection of exceptions stays off: it listens to unhandled rejections, which then end no process any more.
 */
export function startApplicationInsights(options: ApplicationInsightsOptions): LivePage {
  const { exporter, resource } = options;
  const off = { enabled: false };
  const http = { enabled: true, disableIncomingRequestInstrumentation: true, ignoreOutgoingRequestHook: isOfHost };
  useAzureMonitor({
    azureMonitorExporterOptions: exporter,
    resource,
    samplingRatio: 0,
    tracesPerSecond: 0,
    enableLiveMetrics: true,
    enableStandardMetrics: false,
    enablePerformanceCounters: false,
    enableAutoCollectExceptions: false,
    enableTraceBasedSamplingForLogs: false,
    spanProcessors: [dependencies(options)],
    views: [{ instrumentName: '*', aggregation: { type: AggregationType.DROP } }],
    instrumentationOptions: {
      http,
      ...{ azureSdk: off, mongoDb: off, mySql: off, postgreSql: off, redis: off, redis4: off },
    },
  });
  instrumentLoaded();
  const live = trace.getTracer('hubscore live');
  const row = (kind: SpanKind, name: string, fromMs: number, toMs: number, isFailure: boolean): void => {
    const span = live.startSpan(name, { kind, startTime: fromMs }, ROOT_CONTEXT);
    if (isFailure) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end(toMs);
  };
  const tellFault = (message: unknown): void => tell(message as Fault);
  subscribe(FAULTS, tellFault);

  return {
    batch: ({ hub }, { receivedAtMs, sentAtMs }, isFailure) =>
      row(SpanKind.CONSUMER, `process ${hub}`, receivedAtMs, sentAtMs, isFailure),
    http: (route, status, durationMs) => {
      const nowMs = options.clock();
      row(SpanKind.SERVER, route, nowMs - durationMs, nowMs, status >= 500);
    },
    async close() {
      unsubscribe(FAULTS, tellFault);
      await shutdownAzureMonitor();
    },
  };
}

/** The local host runs in this process too, and keeps its checkpoints and ownerships in such containers, as the real one does elsewhere. */
function isOfHost({ path }: RequestOptions): boolean {
  return path?.includes('/azure-webjobs-') ?? false;
}

/** Node's own modules are loaded long since: what is wrapped now has to reach those who imported them by name. */
function instrumentLoaded(): void {
  const require = createRequire(import.meta.url);
  for (const name of ['http', 'https']) require(name);
  syncBuiltinESMExports();
}

/** Sends calls on, as far as there is room, by the app's own exporter. */
function dependencies({ tracer, rowsPerSecond, clock }: ApplicationInsightsOptions): SpanProcessor {
  const budget = createRowBudget(rowsPerSecond, BURST_ROWS, clock);
  return {
    onStart() {},
    onEnd(span: ReadableSpan) {
      if (span.kind !== SpanKind.CLIENT || !budget.take(1)) return;
      const { kind, attributes, startTime, parentSpanContext } = span;
      const parent = parentSpanContext ? trace.setSpanContext(ROOT_CONTEXT, parentSpanContext) : ROOT_CONTEXT;
      // The rate at which the package samples, 0, would make the row count for nothing.
      const { 'microsoft.sample_rate': _, ...rest } = attributes;
      tracer
        .startSpan(span.name, { kind, attributes: rest, startTime }, parent)
        .setStatus(span.status)
        .end(span.endTime);
    },
    async forceFlush() {},
    async shutdown() {},
  };
}

function tell({ what, error }: Fault): void {
  logs.getLogger('hubscore').emit({
    severityNumber: SeverityNumber.ERROR,
    body: error.message,
    attributes: {
      'exception.type': error.name,
      'exception.message': `${what}: ${error.message}`,
      'exception.stacktrace': error.stack ?? '',
    },
  });
}
