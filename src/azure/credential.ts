import type { AccessToken, GetTokenOptions, TokenCredential } from '@azure/identity';
import { asError, IdentityError } from '../core/errors.ts';

export interface Credential extends TokenCredential {
  /** @throws IdentityError where there is no identity, or it gets no token. */
  getToken(scopes: string | string[], options?: GetTokenOptions): Promise<AccessToken>;
}

const credentials = new Map<string | undefined, Promise<Credential>>();

/**
 * The user-assigned identity with this client id or, without one, the default credential (environment, workload identity, managed
 * identity, `az login`). There is one of each, for storage, hubs and telemetry alike, and with it one cache of tokens. The identity
 * library is loaded only where one is used: it costs 0.2 s of a cold start.
 */
export function credentialOf(clientId: string | undefined): Promise<Credential> {
  let credential = credentials.get(clientId);
  if (!credential) {
    credential = make(clientId);
    credentials.set(clientId, credential);
    credential.catch(() => credentials.delete(clientId));
  }
  return credential;
}

async function make(clientId: string | undefined): Promise<Credential> {
  const { DefaultAzureCredential, ManagedIdentityCredential } = await import('@azure/identity');
  const credential = clientId ? new ManagedIdentityCredential({ clientId }) : new DefaultAzureCredential();
  const name = clientId ? `the managed identity ${clientId}` : 'the default credential';
  return {
    async getToken(scopes, options) {
      try {
        return await credential.getToken(scopes, options);
      } catch (thrown) {
        if (options?.abortSignal?.aborted) throw thrown;
        const cause = asError(thrown);
        throw new IdentityError(`${name} gets no token for ${scopes}: ${cause.message.split('\n')[0]}`, { cause });
      }
    },
  };
}
