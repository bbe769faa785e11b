import { hostname } from 'node:os';
import type { TokenCredential } from '@azure/identity';
import { AzureMonitorMetricExporter, AzureMonitorTraceExporter } from '@azure/monitor-opentelemetry-exporter';
import { DiagLogLevel, diag } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { AlwaysOnSampler, BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { asError } from '../core/errors.ts';
import { within } from '../core/waiting.ts';
import { createBatchTracer } from './batch-tracer.ts';
import { createDeltaProducer } from './delta-metrics.ts';
import type { Exporter, ExportOptions, ExportSource, LivePage } from './exporter.ts';
import { createSayFailure, exporterDiagnostics, watchAnswers } from './exporter-diagnostics.ts';

const EXPORT_EVERY_MS = 60_000;
const FLUSH_WITHIN_MS = 5_000;
/** Every so many exports is whole: with buckets and with what has not changed, which are most of the rows that are paid for. */
const WHOLE_EVERY = 5;

/**
 * Metrics and traces to Application Insights, by the exporters that Microsoft's `applicationinsights` package wraps. That package itself
 * takes 0.8–1.1 s and 290 MB for instrumentations of libraries that are not used here; these take 0.13 s.
 */
export async function startAzureMonitor(
  exporting: ExportOptions & { connectionString: string },
  { store, refresh, clock, log }: ExportSource,
): Promise<Exporter> {
  const say = createSayFailure(log, Date.now);
  const watchOpenTelemetry = () =>
    diag.setLogger(exporterDiagnostics(say), { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  watchOpenTelemetry();
  const resource = resourceFromAttributes({
    'service.name': 'hubscore',
    'service.instance.id': `${hostname()}-${process.pid}`,
  });
  const { connectionString, tracesPerSecond, httpClient } = exporting;
  const options = {
    connectionString,
    ...(await signIn(exporting)),
    ...(httpClient && { httpClient }),
    additionalPolicies: [{ policy: watchAnswers(say), position: 'perCall' as const }],
  };
  let exports = 0;
  let isEnding = false;
  const isWhole = () => isEnding || exports++ % WHOLE_EVERY === 0;
  const reader = new PeriodicExportingMetricReader({
    exporter: new AzureMonitorMetricExporter(options),
    exportIntervalMillis: EXPORT_EVERY_MS,
    metricProducers: [createDeltaProducer(store, refresh, resource, Date.now, isWhole)],
  });
  const meters = new MeterProvider({ resource, readers: [reader] });
  const traces = new BasicTracerProvider({
    resource,
    sampler: new AlwaysOnSampler(), // what is not to be traced never becomes a span
    spanProcessors: [new BatchSpanProcessor(new AzureMonitorTraceExporter(options))],
  });
  const tracer = traces.getTracer('hubscore');
  let live: LivePage | undefined;
  let loading: Promise<void> | undefined;
  return {
    tracer: createBatchTracer(tracer, tracesPerSecond, clock),
    get live() {
      return live;
    },
    loadLive() {
      loading ??= import('./application-insights.ts')
        .then(({ startApplicationInsights }) => {
          if (isEnding) return;
          live = startApplicationInsights({
            exporter: options,
            resource,
            tracer,
            rowsPerSecond: tracesPerSecond,
            clock,
          });
          watchOpenTelemetry(); // it sets a logger of its own
        })
        .catch(thrown =>
          log.warn(`Live Metrics, exceptions and dependencies are not exported: ${asError(thrown).message}`),
        );
      return loading;
    },
    async close() {
      isEnding = true;
      await loading;
      await within(Promise.allSettled([meters.shutdown(), traces.shutdown(), live?.close()]), FLUSH_WITHIN_MS);
    },
  };
}

/** Reads `Authorization=AAD[;ClientId=…]`, the form of APPLICATIONINSIGHTS_AUTHENTICATION_STRING. */
async function signIn({ authentication, credentialOf }: ExportOptions): Promise<{ credential?: TokenCredential }> {
  if (authentication === undefined) return {};
  const pairs = authentication.split(';').map(pair => pair.split('=') as [string, string | undefined]);
  const { authorization, clientid: clientId } = Object.fromEntries(
    pairs.map(([name, value]) => [name.trim().toLowerCase(), value?.trim()]),
  );
  if (authorization?.toUpperCase() !== 'AAD' || !credentialOf) {
    throw new Error('APPLICATIONINSIGHTS_AUTHENTICATION_STRING takes Authorization=AAD;ClientId=…');
  }
  return { credential: await credentialOf(clientId) };
}
