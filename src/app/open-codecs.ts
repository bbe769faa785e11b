import { credentialOf } from '../azure/credential.ts';
import { allCodecs } from '../codecs/decoder.ts';
import { fromAzure } from '../codecs/schema-registry/azure.ts';
import { fromConfluent } from '../codecs/schema-registry/confluent.ts';
import { createSchemaRegistry, type SchemaRegistry } from '../codecs/schema-registry/schema-registry.ts';
import type { Settings } from '../config/settings.ts';
import type { Codec } from '../core/codec.ts';
import { ConfigurationError } from '../core/errors.ts';
import type { Clock } from '../core/log.ts';

const SCOPE = 'https://eventhubs.azure.net/.default';
const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/** The formats of events, with the schema registry that the settings name. */
export function openCodecs(settings: Settings, clock: Clock): readonly Codec[] {
  const { SCHEMA_REGISTRY: named } = settings;
  return allCodecs(named === undefined ? undefined : openRegistry(settings, named, clock));
}

/** @throws ConfigurationError where the name is none. */
export function openRegistry(
  { SCHEMA_REGISTRY_AUTH, EventHubs__clientId }: Settings,
  named: string,
  clock: Clock,
): SchemaRegistry {
  if (!named.includes('://')) {
    const url = `https://${named}`;
    return createSchemaRegistry({ kind: 'azure', title: named }, fromAzure(url, tokenOf(EventHubs__clientId)), clock);
  }
  const url = URL.canParse(named) ? new URL(named) : undefined;
  if (url === undefined || (url.protocol !== 'https:' && !(url.protocol === 'http:' && LOOPBACK.test(url.hostname))))
    throw new ConfigurationError(
      'SCHEMA_REGISTRY takes <namespace>.servicebus.windows.net, or an https:// URL (http:// on loopback only)',
    );
  if (url.username !== '' || url.password !== '')
    throw new ConfigurationError('SCHEMA_REGISTRY takes no password; give it by SCHEMA_REGISTRY_AUTH');
  const about = { kind: 'confluent', title: url.host } as const;
  return createSchemaRegistry(about, fromConfluent(named, SCHEMA_REGISTRY_AUTH), clock);
}

function tokenOf(clientId: string | undefined): (abortSignal: AbortSignal) => Promise<string> {
  return async abortSignal => (await (await credentialOf(clientId)).getToken(SCOPE, { abortSignal })).token;
}
