import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { asError } from '../../core/errors.ts';
import { onceAborted } from '../../core/waiting.ts';
import { lookupAllowed } from './allowed-address.ts';

/** The server cannot be had: no answer, or one that says so of the server and not of what was asked. Another call may succeed. */
export class ServerAway extends Error {
  override readonly name = 'ServerAway';
  readonly retryable = true;
  /** How long the server wants to be left alone, milliseconds; 0 where it does not say. */
  readonly retryAfterMs: number;

  constructor(message: string, options?: { readonly cause?: unknown; readonly retryAfterMs?: number }) {
    super(message, options);
    this.retryAfterMs = options?.retryAfterMs ?? 0;
  }
}

/** The server says that it will not do this, whoever asks again. */
export class ServerRefused extends Error {
  override readonly name = 'ServerRefused';
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

export interface Reply {
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

export interface Call {
  readonly method: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

/** One server, by connections that stay open. */
export interface Server {
  /** What messages call it: its host. */
  readonly title: string;
  /**
   * One exchange; a redirect is not followed.
   * @param path below the server's URL, `/v2/models/churn`
   * @throws ServerAway; ServerRefused; the signal's reason
   */
  call(path: string, call: Call, signal: AbortSignal): Promise<Reply>;
  close(): void;
}

/** Answers are tensors; more than this is none that a slice can have. */
const MAX_REPLY_BYTES = 256 * 1024 * 1024;
const MAX_REASON = 300;
/** What says of the server, or of something before it, that it is busy or away. */
const AWAY = new Set([408, 425, 429, 502, 503, 504]);

/** @param token gives what is sent as a bearer token; undefined: nothing is. */
export function createServer(
  url: URL,
  timeoutMs: number,
  token?: (signal: AbortSignal) => Promise<string> | string,
): Server {
  const secure = url.protocol === 'https:';
  const options = { keepAlive: true, lookup: lookupAllowed };
  const agent = secure ? new HttpsAgent(options) : new HttpAgent(options);
  const base = url.pathname.replace(/\/$/, '');

  async function call(path: string, { method, headers, body }: Call, signal: AbortSignal): Promise<Reply> {
    signal.throwIfAborted();
    const authorization = token && `Bearer ${await token(signal)}`;
    const target = {
      method,
      agent,
      path: `${base}${path}`,
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port,
    };
    const sent = (secure ? requestHttps : requestHttp)({
      ...target,
      headers: {
        ...headers,
        ...(authorization && { authorization }),
        ...(body && { 'content-length': body.length }),
      },
    });
    const late = setTimeout(() => sent.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)), timeoutMs);
    const leave = onceAborted(signal, () => sent.destroy(asError(signal.reason)));
    try {
      const { response, bytes } = await answerOf(sent.end(body));
      const status = response.statusCode ?? 0;
      if (status >= 200 && status < 300) return { headers: response.headers, body: bytes };
      throw failure(url.host, path, response, bytes);
    } catch (thrown) {
      signal.throwIfAborted();
      if (thrown instanceof ServerAway || thrown instanceof ServerRefused) throw thrown;
      throw new ServerAway(`${url.host}: ${reasonOf(thrown)}`, { cause: thrown });
    } finally {
      clearTimeout(late);
      leave();
    }
  }

  return { title: url.host, call, close: () => agent.destroy() };
}

interface Answer {
  readonly response: IncomingMessage;
  readonly bytes: Buffer;
}

function answerOf(sent: ReturnType<typeof requestHttp>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    sent.on('error', reject);
    sent.on('response', response => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size > MAX_REPLY_BYTES) sent.destroy(new Error(`an answer of more than ${MAX_REPLY_BYTES} bytes`));
      });
      response.on('error', reject);
      response.on('end', () => resolve({ response, bytes: Buffer.concat(chunks) }));
      response.on('close', () => reject(new Error('the answer broke off')));
    });
  });
}

function failure(host: string, path: string, { statusCode = 0, headers }: IncomingMessage, body: Buffer): Error {
  const said = body
    .toString('utf8', 0, 4 * MAX_REASON)
    .replaceAll(/\s+/g, ' ')
    .slice(0, MAX_REASON);
  const message = `${host} answers ${path} with ${statusCode}${said === '' ? '' : `: ${said}`}`;
  if (statusCode >= 300 && statusCode < 400) {
    return new ServerRefused(`${message}; redirects are not followed: give the address that it leads to`, statusCode);
  }
  if (!AWAY.has(statusCode)) return new ServerRefused(message, statusCode);
  const seconds = Number(headers['retry-after']);
  return new ServerAway(message, { retryAfterMs: Number.isFinite(seconds) ? Math.min(seconds, 60) * 1000 : 0 });
}

/** Node puts what happened at each address of a name behind an empty message. */
function reasonOf(thrown: unknown): string {
  const { message, errors, code } = asError(thrown) as Error & { errors?: readonly unknown[]; code?: string };
  return message || (errors?.map(one => asError(one).message).join('; ') ?? code ?? 'no answer');
}
