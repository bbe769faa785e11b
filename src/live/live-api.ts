import type { Catalog } from '../core/catalog.ts';
import { asError, RequestError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { type HttpReply, type HttpRequest, json, problem } from '../http/http.ts';
import { packed } from '../http/packed.ts';
import { withoutBody } from '../http/paths.ts';
import type { Assets } from './assets.ts';
import { exampleRequest } from './example.ts';
import type { LiveData } from './live-data.ts';
import { describeLiveFailure, type LiveRoute } from './routes.ts';

export interface LiveApiOptions {
  data(): Promise<LiveData>;
  /** The page's files; read when they are first asked for. */
  readonly assets: () => Assets;
  readonly catalog: Pick<Catalog, 'routing'>;
  /** Told of every answer, for metrics. */
  recordHttp(route: string, status: number, durationMs: number): void;
  readonly clock: () => number;
  readonly log: Log;
}

export interface LiveRequest extends HttpRequest {
  readonly method: string;
  readonly url: string;
}

export interface LiveApi {
  /** Answers a request that came by a route of `LIVE_ROUTES`. Never throws. */
  answer(route: LiveRoute, request: LiveRequest): Promise<HttpReply>;
}

/** Scripts and styles are the page's own files and nothing else, so that markup in what requests bring would do nothing even where it got in. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  'img-src data:',
  ...["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
].join('; ');
const SAFE = { 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' } as const;
const FOR_EVER = 'public, max-age=31536000, immutable';
const ANEW = 'private, no-cache';

export function createLiveApi(options: LiveApiOptions): LiveApi {
  const { clock, log } = options;
  const handlers: Readonly<Record<LiveRoute, (request: LiveRequest) => Promise<HttpReply>>> = {
    async live({ url }) {
      const { pathname, search } = new URL(url, 'http://localhost');
      // From there the addresses of the page's files, which are relative for the sake of proxies that add a path, would lead elsewhere.
      if (pathname.endsWith('/')) return movedTo(`../live${search}`);
      const headers = { ...SAFE, 'content-type': 'text/html; charset=utf-8', 'cache-control': ANEW };
      return { status: 200, headers: { ...headers, 'content-security-policy': POLICY }, body: options.assets().index };
    },
    async 'live-asset'({ params }) {
      const { hash, files } = options.assets();
      const asset = files.get(params.file ?? '');
      if (asset === undefined || params.hash !== hash) return problem(404, 'no such file');
      const headers = { ...SAFE, 'content-type': asset.type, 'cache-control': FOR_EVER };
      return { status: 200, headers, body: asset.body };
    },
    async 'live-data'({ headers }) {
      const { text, etag, asOfMs } = await options.data();
      const about = {
        ...{ etag, 'cache-control': ANEW },
        ...(asOfMs !== undefined && { 'hubscore-counted-at': new Date(asOfMs).toISOString() }),
      };
      if (isKnown(headers.get('if-none-match'), etag)) return { status: 304, headers: about, body: '' };
      return { status: 200, headers: { ...SAFE, ...about, 'content-type': 'application/json' }, body: text };
    },
    async 'live-example'({ params: { name, version } }) {
      const routing = await options.catalog.routing(name, version || undefined);
      const { card } = (routing.route ?? routing.production).version;
      return json(200, exampleRequest(card), { 'cache-control': ANEW });
    },
  };

  return {
    async answer(route, request) {
      const start = clock();
      const reply = await answerTo(route, request).catch(thrown => replyTo(thrown));
      options.recordHttp(route, reply.status, clock() - start);
      if (reply.status >= 500) log.warn(`http: ${describeLiveFailure(route, reply)}`);
      return reply;
    },
  };

  async function answerTo(route: LiveRoute, request: LiveRequest): Promise<HttpReply> {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return problem(405, `${request.method} is not allowed here; GET, HEAD is`, { allow: 'GET, HEAD' });
    }
    const reply = await handlers[route](request);
    return request.method === 'HEAD' ? withoutBody(reply) : packed(reply, request);
  }
}

const movedTo = (location: string): HttpReply => ({ status: 308, headers: { location }, body: '' });

/** @param asked the header: `*`, or ETags by comma, which are told apart as weak ones (RFC 9110, 13.1.2) */
function isKnown(asked: string | null, etag: string): boolean {
  const plain = (tag: string) => tag.trim().replace(/^W\//, '');
  return (asked?.split(',') ?? []).some(tag => tag.trim() === '*' || plain(tag) === plain(etag));
}

function replyTo(thrown: unknown): HttpReply {
  const error = asError(thrown);
  if (error instanceof RequestError) return problem(error.code === 'unknown_model' ? 404 : 503, error.message);
  return problem(503, error.message, { 'retry-after': '2' });
}
