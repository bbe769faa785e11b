import { type Settings, settingsOrDefaults } from '../config/config.ts';
import { createCountingLog } from '../core/counting-log.ts';
import type { Log } from '../core/log.ts';
import type { HttpReply, HttpRequest } from '../http/http.ts';
import type { RouteName } from '../http/routes.ts';
import { type AppOptions, createApp } from './create-app.ts';

export { CHUNKS_QUEUE } from '../core/work-queue.ts';
export { ROUTES, type RouteName } from '../http/routes.ts';

/**
 * The Functions host takes the console for its log. Of a line that comes outside an invocation it tells the level by the words in it: by `warn`, else by `error` or `fail`. So the level comes first, or a
 * warning of something that failed would be an error.
 */
const consoleLog: Log = {
  info: message => console.info(message),
  warn: message => console.warn(`warning: ${message}`),
  error: message => console.error(`error: ${message}`),
};
const log = createCountingLog(consoleLog, Date.now);

/**
 * What functions are registered by. A setting that does not parse has its default here, since the host goes on without any function where
 * an entry file throws; it is told when a function is called.
 */
export const settings: Settings = settingsOrDefaults(process.env);

const options: AppOptions = { environment: process.env, clock: Date.now, log };
/** The one app of this worker. */
let app = createApp(options);

export function scoreRequests(bodies: unknown, metadata: unknown): Promise<void> {
  return app.scoreRequests(bodies, metadata);
}

export function fillHoles(): Promise<void> {
  return app.fillHoles();
}

export function replayDeadLetters(lastRun: string | undefined): Promise<void> {
  return app.replayDeadLetters(lastRun);
}

export function scoreChunk(message: unknown): Promise<void> {
  return app.scoreChunk(message);
}

export function failChunk(message: unknown): Promise<void> {
  return app.failChunk(message);
}

export function tendJobs(): Promise<void> {
  return app.tendJobs();
}

export function submitScheduled(lastRun: string | undefined): Promise<void> {
  return app.submitScheduled(lastRun);
}

export function sweep(): Promise<void> {
  return app.sweep();
}

export function answerHttp(route: RouteName, request: HttpRequest): Promise<HttpReply> {
  return app.answerHttp(route, request);
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
