import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { uploadDashboard } from '../../../scripts/azure/grafana.ts';

const credential = { getToken: async (scope: string | string[]) => ({ token: `for ${scope}`, expiresOnTimestamp: 0 }) };

describe('uploading the dashboard', () => {
  let server: Server;
  afterEach(() => void server.close());

  async function serve(status: number, seen: (path: string, headers: IncomingHttpHeaders, body: string) => void) {
    server = createServer(async (request, response) => {
      seen(`${request.method} ${request.url}`, request.headers, await text(request));
      response.writeHead(status).end('{"message":"its answer"}');
    });
    await new Promise<void>(ready => server.listen(0, '127.0.0.1', ready));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  it('puts it over the one of the same uid, by an Entra token for Managed Grafana', async () => {
    const calls: unknown[] = [];
    const url = await serve(200, (path, headers, body) => calls.push([path, headers.authorization, JSON.parse(body)]));
    await uploadDashboard(url, { uid: 'hubscore-azure' }, credential);
    expect(calls).toEqual([
      [
        'POST /api/dashboards/db',
        'Bearer for ce34e7e5-485f-4d76-964f-b3d2b16d1e4f/.default',
        expect.objectContaining({ dashboard: { uid: 'hubscore-azure' }, overwrite: true }),
      ],
    ]);
  });

  it("fails with Grafana's answer", async () => {
    const url = await serve(403, () => {});
    await expect(uploadDashboard(url, {}, credential)).rejects.toThrow(
      'Grafana answered 403: {"message":"its answer"}',
    );
  });
});
