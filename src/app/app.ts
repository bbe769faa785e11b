import { type Settings, settingsOrDefaults } from '../config/config.ts';
import { createCountingLog } from '../core/counting-log.ts';
import type { HttpReply, HttpRequest } from '../http/http.ts';
import { type HttpPath, routeFor, withoutBody } from '../http/paths.ts';
import type { LiveRequest } from '../live/live-api.ts';
import type { LiveRoute } from '../live/routes.ts';
import { type AppOptions, createApp } from './create-app.ts';
import { hostLog, type Invocation, inInvocation } from './invocation-log.ts';

export { CHUNKS_QUEUE } from '../core/work-queue.ts';
export { METHODS, PATHS } from '../http/paths.ts';
export { LIVE_ROUTES, type LiveRoute } from '../live/routes.ts';

/**
 * What functions are registered by. A setting that does not parse has its default here, since the host goes on without any function where
 * an entry file throws; it is told when a function is called.
 */
export const settings: Settings = settingsOrDefaults(process.env);

// What Azure Monitor's exporters send of themselves into the customer's own tables, by the row: a metric with the resource at every export of
// traces, and counts of what was sent. They read it from the environment alone.
process.env.APPLICATIONINSIGHTS_OPENTELEMETRY_RESOURCE_METRIC_DISABLED ??= 'true';
process.env.APPLICATIONINSIGHTS_SDKSTATS_DISABLED ??= 'true';
// Else their package looks for a file beside its own, which a bundle has no place for.
process.env.APPLICATIONINSIGHTS_CONFIGURATION_CONTENT ??= '{}';

const options: AppOptions = { environment: process.env, clock: Date.now, log: createCountingLog(hostLog, Date.now) };
/** The one app of this worker. */
let app = createApp(options);

export function scoreRequests(bodies: unknown, metadata: unknown, context?: Invocation): Promise<void> {
  return inInvocation(context, () => app.scoreRequests(bodies, metadata, context?.traceContext?.traceParent));
}

export function fillHoles(context?: Invocation): Promise<void> {
  return inInvocation(context, () => app.fillHoles());
}

export function replayDeadLetters(lastRun: string | undefined, context?: Invocation): Promise<void> {
  return inInvocation(context, () => app.replayDeadLetters(lastRun));
}

export function scoreChunk(message: unknown, context?: Invocation): Promise<void> {
  return inInvocation(context, () => app.scoreChunk(message));
}

export function failChunk(message: unknown, context?: Invocation): Promise<void> {
  return inInvocation(context, () => app.failChunk(message));
}

export function tendJobs(context?: Invocation): Promise<void> {
  return inInvocation(context, () => app.tendJobs());
}

export function submitScheduled(lastRun: string | undefined, context?: Invocation): Promise<void> {
  return inInvocation(context, () => app.submitScheduled(lastRun));
}

export function sweep(context?: Invocation): Promise<void> {
  return inInvocation(context, () => app.sweep());
}

export function shadow(context?: Invocation): Promise<void> {
  return inInvocation(context, () => app.shadow());
}

export function watchDrift(context?: Invocation): Promise<void> {
  return inInvocation(context, () => app.watchDrift());
}

/** @param request of whatever method */
export function answerHttp(
  path: HttpPath,
  request: HttpRequest & { readonly method: string },
  context?: Invocation,
): Promise<HttpReply> {
  return inInvocation(context, async () => {
    const route = routeFor(path, request.method);
    const reply = typeof route === 'string' ? await app.answerHttp(route, request) : route;
    return request.method === 'HEAD' ? withoutBody(reply) : reply;
  });
}

export function answerLive(route: LiveRoute, request: LiveRequest, context?: Invocation): Promise<HttpReply> {
  return inInvocation(context, () => app.answerLive(route, request));
}

/**
 * Builds what this instance is going to need, while the host still attaches to its partitions. Flex Consumption runs HTTP functions on
 * instances of their own, and tells its host by this variable (FunctionGroupListenerDecorator.cs).
 */
export function warmUp(): Promise<void> {
  return app.warmUp(process.env.FUNCTIONS_TARGET_GROUP?.toLowerCase() === 'http' ? 'http' : 'scoring');
}

export async function closeApp(): Promise<void> {
  const closing = app;
  app = createApp(options);
  await closing.close();
}
