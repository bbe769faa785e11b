import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { temporaryFolder } from './models.ts';
import { createTestCertificate } from './test-certificate.ts';

/** One row as it is sent: a metric, a request, a dependency, an exception, a line. */
export interface Item {
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly data: {
    readonly baseType: string;
    readonly baseData: {
      readonly name?: string;
      readonly id?: string;
      readonly success?: boolean;
      readonly metrics?: readonly { readonly name: string; readonly value: number; readonly count: number }[];
      readonly properties: Readonly<Record<string, string>>;
      readonly exceptions?: readonly { readonly typeName?: string; readonly message: string }[];
    };
  };
}

/** What Application Insights takes in, as far as the exporters can tell: items over TLS, and what Live Metrics asks for. */
export interface Ingestion {
  readonly connectionString: string;
  /** What a process needs in its environment to trust and to find it. */
  readonly environment: Readonly<Record<string, string>>;
  readonly items: readonly Item[];
  /** Paths of Live Metrics that were asked for, in order. */
  readonly livePaths: readonly string[];
  /** Documents that Live Metrics was posted. */
  readonly livePosts: readonly unknown[];
  /** From now on every request is answered with this status. */
  refuse(status: number): void;
  clear(): void;
  stop(): Promise<void>;
}

/** Bytes of the row as JSON: what is billed is about that, whatever the wire compresses. */
export const bytesOf = (item: Item) => Buffer.byteLength(JSON.stringify(item));

/** An ingestion endpoint on a free port of 127.0.0.1, with a certificate of its own. */
export async function startIngestion(): Promise<Ingestion> {
  const folder = temporaryFolder();
  const { key, cert } = createTestCertificate();
  const authority = join(folder.path, 'authority.pem');
  writeFileSync(authority, cert);
  let items: Item[] = [];
  const livePaths: string[] = [];
  const livePosts: unknown[] = [];
  let refusal: number | undefined;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const path = request.url ?? '';
    if (refusal !== undefined) return void response.writeHead(refusal).end('{}');
    response.setHeader('content-type', 'application/json');
    if (/quickpulse/i.test(path)) {
      livePaths.push(path);
      if (chunks.length > 0 && /post/i.test(path)) livePosts.push(...jsonOf(request, chunks));
      response.setHeader('x-ms-qps-subscribed', 'true'); // someone looks at the live page
      return void response.end('{"ETag":"","Metrics":[],"DocumentStreams":[],"QuotaInfo":null}');
    }
    const sent = jsonOf(request, chunks) as Item[];
    items.push(...sent);
    response.end(JSON.stringify({ itemsReceived: sent.length, itemsAccepted: sent.length, errors: [] }));
  }

  const server = createServer({ key, cert }, (request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const endpoint = `https://localhost:${(server.address() as AddressInfo).port}/`;
  const connectionString = `InstrumentationKey=00000000-0000-0000-0000-000000000001;IngestionEndpoint=${endpoint};LiveEndpoint=${endpoint}`;
  return {
    connectionString,
    environment: {
      APPLICATIONINSIGHTS_CONNECTION_STRING: connectionString,
      NODE_EXTRA_CA_CERTS: authority,
      // What the exporters tell Microsoft of themselves goes to Microsoft, not to the endpoint.
      APPLICATION_INSIGHTS_NO_STATSBEAT: '1',
      APPLICATIONINSIGHTS_SDKSTATS_DISABLED: 'true',
    },
    get items() {
      return items;
    },
    livePaths,
    livePosts,
    refuse(status) {
      refusal = status;
    },
    clear() {
      items = [];
    },
    async stop() {
      server.closeAllConnections();
      server.close();
      folder.remove();
    },
  };
}

function jsonOf({ headers }: IncomingMessage, chunks: readonly Buffer[]): unknown[] {
  const body = Buffer.concat(chunks);
  const text = (headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body).toString();
  const parsed: unknown = JSON.parse(text);
  return Array.isArray(parsed) ? parsed : [parsed];
}
