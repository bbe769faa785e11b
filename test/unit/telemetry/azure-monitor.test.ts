import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { createDefaultHttpClient, type PipelineRequest, type PipelineResponse } from '@azure/core-rest-pipeline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTelemetry } from '../../../src/telemetry/telemetry.ts';
import { batch, event, result, scored, slice } from './scored.ts';

const NOW_MS = 1_800_000_000_000;
const VERSION = '1.1.0+a1b2c3d4';

interface Envelope {
  readonly name: string;
  readonly tags: Record<string, string>;
  readonly data: {
    baseType: string;
    baseData: { metrics?: Metric[]; properties: Record<string, string>; id?: string };
  };
}
interface Metric {
  readonly name: string;
  readonly value: number;
  readonly count: number;
}

/** Stands in for Application Insights' ingestion: takes what it is sent. */
let ingestion: Server;
let envelopes: Envelope[];
const signedIn = new Set<string | undefined>();
const warnings: string[] = [];

beforeEach(async () => {
  envelopes = [];
  ingestion = createServer(async (request, response) => {
    signedIn.add(request.headers.authorization);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const text = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body).toString();
    const items = JSON.parse(text) as Envelope[];
    envelopes.push(...items);
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ itemsReceived: items.length, itemsAccepted: items.length, errors: [] }));
  });
  ingestion.listen(0, '127.0.0.1');
  await once(ingestion, 'listening');
  process.env.APPLICATION_INSIGHTS_NO_STATSBEAT = '1';
});

afterEach(() => {
  ingestion.closeAllConnections();
  ingestion.close();
});

/** The exporter insists on TLS; everything else of its way is real. */
async function sendRequest(request: PipelineRequest): Promise<PipelineResponse> {
  request.url = request.url.replace('https:', 'http:');
  request.allowInsecureConnection = true;
  return createDefaultHttpClient().sendRequest(request);
}

function create(authentication?: string) {
  const { port } = ingestion.address() as AddressInfo;
  const endpoint = `http://127.0.0.1:${port}/`;
  return createTelemetry({
    connectionString: `InstrumentationKey=00000000-0000-0000-0000-000000000001;IngestionEndpoint=${endpoint};LiveEndpoint=${endpoint}`,
    authentication,
    credentialOf: async clientId => ({
      getToken: async () => ({ token: `token of ${clientId}`, expiresOnTimestamp: Date.now() + 3_600_000 }),
    }),
    tracesPerSecond: 5,
    httpClient: { sendRequest },
    clock: Date.now,
    log: { info() {}, warn: message => warnings.push(message), error() {} },
  });
}

function metrics(name: string) {
  return envelopes
    .filter(({ data }) => data.baseData.metrics?.[0]?.name === name)
    .map(({ data }) => ({ ...(data.baseData.metrics?.[0] as Metric), labels: data.baseData.properties }));
}

describe('Application Insights', () => {
  it('signs in as the identity that the setting names', async () => {
    signedIn.clear();
    const telemetry = create('Authorization=AAD;ClientId=abc');
    telemetry.recordHttp('infer', 200, 1);
    await telemetry.close();
    expect(envelopes.length).toBeGreaterThan(0);
    expect([...signedIn]).toEqual(['Bearer token of abc']);
  });

  it('gets counters, histograms and their buckets, though it was started after they were counted', async () => {
    const telemetry = create();
    const events = [1, 2, 3].map(sequence => event(sequence, NOW_MS - 40));
    const outcomes = [result(events[0]!, 44), result(events[1]!, 45), result(events[2]!, 900)];
    const timing = { receivedAtMs: NOW_MS, sentAtMs: NOW_MS + 10 };
    telemetry.recordBatch(...scored(batch(events), outcomes, [slice(3, 0.5)]), timing);
    await telemetry.close();

    expect(metrics('inference_requests_total')).toMatchObject([
      { value: 3, labels: { model: 'diabetes', version: VERSION, outcome: 'result' } },
    ]);
    const [latency] = metrics('inference_latency_seconds');
    expect(latency).toMatchObject({ count: 3, labels: { model: 'diabetes', version: VERSION } });
    expect(latency?.value).toBeCloseTo(0.989, 9);
    const buckets = metrics('inference_latency_seconds_bucket').map(({ labels, value }) => [labels.le, value]);
    expect(buckets).toEqual([
      ['0.05', 2],
      ['1', 1],
    ]);
    expect(metrics('hubscore_partition_lag_seconds')).toMatchObject([{ labels: { partition: '2' } }]);
    expect(envelopes[0]?.tags['ai.cloud.role']).toBe('hubscore');
    expect(JSON.stringify(envelopes)).not.toContain('secret');
  });

  it('says in the log why nothing is exported, and goes on', async () => {
    const telemetry = create('Authorization=Basic');
    telemetry.recordHttp('infer', 200, 1);
    await telemetry.close();
    expect(warnings.join()).toContain('APPLICATIONINSIGHTS_AUTHENTICATION_STRING');
    expect(envelopes).toEqual([]);
  });
});
