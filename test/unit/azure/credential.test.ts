import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { credentialOf } from '../../../src/azure/credential.ts';
import { namespaceAddress } from '../../../src/azure/namespace-address.ts';
import { IdentityError, isRetryable } from '../../../src/core/errors.ts';

/** Stands in for the endpoint by which App Service and Functions give tokens of managed identities. */
let identities: Server;
/** Client id (`none`: not said) and resource of every token that was asked for. */
const asked: string[] = [];
const KNOWN = ['11111111-0000-0000-0000-000000000001', '22222222-0000-0000-0000-000000000002', 'none'];

beforeAll(async () => {
  identities = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? '', 'http://localhost');
    const client = searchParams.get('client_id') ?? 'none';
    const resource = searchParams.get('resource') ?? '';
    asked.push(`${client} ${resource}`);
    const isKnown = KNOWN.includes(client);
    response.writeHead(isKnown ? 200 : 400, { 'content-type': 'application/json' });
    const expires_on = Math.floor(Date.now() / 1000) + 24 * 3600;
    const token = { access_token: `token of ${client}`, resource, token_type: 'Bearer', client_id: client, expires_on };
    response.end(JSON.stringify(isKnown ? token : { statusCode: 400, message: 'No managed identity was found' }));
  });
  identities.listen(0, '127.0.0.1');
  await once(identities, 'listening');
  process.env.IDENTITY_ENDPOINT = `http://127.0.0.1:${(identities.address() as AddressInfo).port}/msi/token`;
  process.env.IDENTITY_HEADER = 'a secret';
});
afterAll(() => {
  identities.closeAllConnections();
  identities.close();
});
beforeEach(() => {
  asked.length = 0;
});

const HUBS = 'https://eventhubs.azure.net';

describe('the credential', () => {
  it('is one for all who name the same identity, and one of its own for another', async () => {
    const [first, second] = KNOWN as [string, string];
    expect(credentialOf(first)).toBe(credentialOf(first));
    expect(await credentialOf(first)).not.toBe(await credentialOf(second));
    const tokenOf = async (id: string) => (await (await credentialOf(id)).getToken(`${HUBS}/.default`)).token;
    expect(await tokenOf(first)).toBe(`token of ${first}`);
    expect(await tokenOf(second)).toBe(`token of ${second}`);
    expect(await tokenOf(first)).toBe(`token of ${first}`);
    expect(asked).toEqual([`${first} ${HUBS}`, `${second} ${HUBS}`]);
  });

  it('is the default one where no identity is named, and asks once for all who use it', async () => {
    const connection = { kind: 'identity', endpoint: 'a.servicebus.windows.net', clientId: undefined } as const;
    for (const hub of ['requests', 'results']) {
      const { claim } = await namespaceAddress(connection);
      expect((await claim(`sb://a.servicebus.windows.net/${hub}`)).token).toBe('token of none');
    }
    expect(asked).toEqual([`none ${HUBS}/`]);
  });

  it('that gets no token says whose, for what and why, and is nothing to try again', async () => {
    const unknown = '99999999-0000-0000-0000-000000000009';
    const thrown = await (await credentialOf(unknown)).getToken(`${HUBS}/.default`).catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(IdentityError);
    expect((thrown as Error).message).toMatch(
      /^the managed identity 99999999-\S+ gets no token for https:\/\/eventhubs\.azure\.net\/\.default: \S/,
    );
    expect((thrown as Error).cause).toBeInstanceOf(Error);
    expect(isRetryable(thrown)).toBe(false);
  });
});
