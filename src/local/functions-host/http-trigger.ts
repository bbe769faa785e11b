import { randomUUID } from 'node:crypto';
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  request as sendRequest,
} from 'node:http';
import { pipeline } from 'node:stream/promises';
import { abortable } from '../waiting.ts';
import type { Invoke } from './invoke.ts';
import { type HostLog, messageOf } from './log.ts';
import { matchRoute, orderRoutes, type Route, type RouteMatch } from './routes.ts';
import type { HttpCookie, HttpData, TypedData } from './rpc.ts';

const MAX_BODY_BYTES = 100 * 1024 * 1024; // the real host's limit

export interface HttpFunction {
  readonly route: Route;
  readonly invoke: Invoke;
}

/**
 * Answers HTTP requests by the functions' routes. Keys (`authLevel`) are not asked for, as under `func start`.
 * `streamTo` is the library's own server, where the app has HTTP streaming on; `underWay` holds those that are being answered.
 */
export function createHttpServer(
  functions: readonly HttpFunction[],
  streamTo: string | undefined,
  underWay: Set<Promise<void>>,
  log: HostLog,
): Server {
  const routes = orderRoutes(functions.map(({ route }) => route));
  const invokes = new Map(functions.map(({ route, invoke }) => [route, invoke]));
  return createServer((request, response) => {
    const sent = new Promise<void>(resolve => response.once('close', resolve));
    underWay.add(sent);
    sent.then(() => underWay.delete(sent));
    answer(request, response).catch(error => {
      log('debug', 'Host.Http', `${request.method} ${request.url}: ${messageOf(error)}`);
      if (response.headersSent) response.destroy();
      else response.writeHead(500).end();
    });
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', `http://${request.headers.host ?? 'localhost'}`);
    const match = matchRoute(routes, request.method ?? 'GET', url.pathname);
    if (!match) {
      response.writeHead(404).end();
      return;
    }
    const invoke = invokes.get(match.route) as Invoke;
    if (streamTo) await stream(request, response, url, match, invoke, streamTo);
    else await respond(request, response, url, match, invoke);
  }
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  match: RouteMatch,
  invoke: Invoke,
): Promise<void> {
  const body = await readBody(request);
  if (!body) {
    response.writeHead(500).end(); // as the real host answers it
    return;
  }
  const http: HttpData = {
    url: url.href,
    method: request.method ?? 'GET',
    nullableHeaders: nullable(joined(request.headersDistinct)),
    nullableQuery: nullable(queryOf(url)),
    nullableParams: nullable(match.parameters),
    body: body.length > 0 ? { bytes: body } : null,
  };
  const { returnValue } = await invoke({ input: { http } });
  const answer = returnValue?.http;
  if (!answer) {
    response.writeHead(204).end();
    return;
  }
  for (const [name, value] of Object.entries(answer.headers ?? {})) response.setHeader(name, value);
  if (answer.cookies?.length) response.setHeader('set-cookie', answer.cookies.map(toSetCookie));
  response.statusCode = Number(answer.statusCode ?? 200);
  response.end(toBytes(answer.body));
}

/** Hands the request to the library's own HTTP server and its answer back, while the invocation runs. */
async function stream(
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  match: RouteMatch,
  invoke: Invoke,
  streamTo: string,
): Promise<void> {
  const invocationId = randomUUID();
  const headers = singleValues(request.headers);
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    const forwarded = sendRequest(new URL(url.pathname + url.search, streamTo), {
      method: request.method,
      headers: {
        ...headers,
        'x-ms-invocation-id': invocationId,
        'x-forwarded-host': url.host,
        'x-forwarded-proto': 'http',
      },
    });
    forwarded.once('response', resolve).once('error', reject);
    response.once('close', () => response.writableFinished || forwarded.destroy());
    request.pipe(forwarded);
  });
  answered.catch(() => undefined);
  const triggerMetadata: Record<string, TypedData> = { Headers: { json: JSON.stringify(headers) } };
  for (const [name, value] of Object.entries(match.parameters)) triggerMetadata[name] = { string: value };
  const invoked = invoke({ input: { http: {} }, triggerMetadata, invocationId });
  const failed = new AbortController();
  invoked.catch(error => failed.abort(error));
  const answer = await abortable(answered, failed.signal);
  for (const [name, value] of Object.entries(answer.headers)) {
    if (value !== undefined && !['connection', 'transfer-encoding', 'keep-alive', 'x-ms-invocation-id'].includes(name))
      response.setHeader(name, value);
  }
  response.writeHead(answer.statusCode ?? 200);
  response.flushHeaders();
  await Promise.all([pipeline(answer, response), invoked]);
}

/** The body whole; undefined where it is too large. */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function singleValues(headers: IncomingMessage['headers']): Record<string, string> {
  const values: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers))
    values[name] = Array.isArray(value) ? value.join(', ') : (value ?? '');
  return values;
}

/** Headers and parameters that come several times, as .NET makes one text of them. */
function joined(values: Readonly<Record<string, readonly string[] | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, all = []]) => [name, all.join(',')]));
}

function queryOf({ searchParams }: URL): Record<string, string> {
  return joined(Object.fromEntries([...searchParams.keys()].map(name => [name, searchParams.getAll(name)])));
}

function nullable(values: Record<string, string>): Record<string, { value: string }> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { value }]));
}

function toBytes(body: TypedData | null | undefined): Buffer | string | undefined {
  if (!body) return undefined;
  if (body.bytes) return Buffer.from(body.bytes.buffer, body.bytes.byteOffset, body.bytes.byteLength);
  return body.string ?? body.json ?? String(body.int ?? body.double ?? '');
}

function toSetCookie(cookie: HttpCookie): string {
  const parts = [`${cookie.name}=${encodeURIComponent(cookie.value)}`];
  if (cookie.domain) parts.push(`Domain=${cookie.domain.value}`);
  if (cookie.path) parts.push(`Path=${cookie.path.value}`);
  if (cookie.expires) parts.push(`Expires=${new Date(cookie.expires.value.seconds * 1000).toUTCString()}`);
  if (cookie.maxAge) parts.push(`Max-Age=${cookie.maxAge.value}`);
  if (cookie.secure?.value) parts.push('Secure');
  if (cookie.httpOnly?.value) parts.push('HttpOnly');
  if (cookie.sameSite === 'lax') parts.push('SameSite=Lax');
  if (cookie.sameSite === 'strict') parts.push('SameSite=Strict');
  if (cookie.sameSite === 'explicitNone') parts.push('SameSite=None');
  return parts.join('; ');
}
