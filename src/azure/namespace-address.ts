import {
  ConnectionConfig,
  Constants,
  createSasTokenProvider,
  parseConnectionString,
  TokenType,
} from '@azure/core-amqp';
import type { Connection } from '../config/connection.ts';
import type { NamespaceAddress } from '../core/namespace-address.ts';
import { credentialOf } from './credential.ts';

/** Tokens made from a key last an hour. */
const RENEW_KEY_TOKEN_MS = 45 * 60_000;
/** A signature that was given ready-made cannot be renewed. */
const NEVER_MS = 2 ** 31 - 1;
const RENEW_EARLIER_MS = 2 * 60_000;

export async function namespaceAddress(connection: Connection): Promise<NamespaceAddress> {
  return connection.kind === 'identity'
    ? await byIdentity(connection.endpoint, connection.clientId)
    : byConnectionString(connection.connectionString);
}

function byConnectionString(connectionString: string): NamespaceAddress {
  const { host, port, endpoint, useDevelopmentEmulator } = ConnectionConfig.create(connectionString);
  const { SharedAccessKeyName, SharedAccessKey, SharedAccessSignature } = parseConnectionString<{
    SharedAccessKeyName?: string;
    SharedAccessKey?: string;
    SharedAccessSignature?: string;
  }>(connectionString);
  const provider = createSasTokenProvider(
    SharedAccessSignature
      ? { sharedAccessSignature: SharedAccessSignature }
      : { sharedAccessKeyName: SharedAccessKeyName ?? '', sharedAccessKey: SharedAccessKey ?? '' },
  );
  const tls = !useDevelopmentEmulator;
  return {
    host,
    port: port ?? (tls ? 5671 : 5672),
    tls,
    audienceBase: endpoint,
    async claim(audience) {
      const { token } = await provider.getToken(audience);
      return {
        token,
        type: TokenType.CbsTokenTypeSas,
        renewInMs: SharedAccessSignature ? NEVER_MS : RENEW_KEY_TOKEN_MS,
      };
    },
  };
}

async function byIdentity(endpoint: string, clientId: string | undefined): Promise<NamespaceAddress> {
  const credential = await credentialOf(clientId);
  return {
    host: endpoint,
    port: 5671,
    tls: true,
    audienceBase: `sb://${endpoint}/`,
    async claim() {
      const { token, expiresOnTimestamp } = await credential.getToken(Constants.aadEventHubsScope);
      return {
        token,
        type: TokenType.CbsTokenTypeJwt,
        renewInMs: Math.max(1_000, expiresOnTimestamp - Date.now() - RENEW_EARLIER_MS),
      };
    },
  };
}
