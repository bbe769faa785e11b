import type { Settings } from '../../config/settings.ts';
import { RequestError } from '../../core/errors.ts';
import { type Check, fail, failure, ok } from './check.ts';

/** Ids that nobody has: a registry that says so is there, and lets us in. */
const NOBODYS = { confluent: '2147483647', azure: '0'.repeat(32) } as const;

/** Whether the schema registry answers. */
export function checkSchemaRegistry(settings: Settings): Check {
  return {
    name: 'schema registry',
    async run() {
      if (settings.SCHEMA_REGISTRY === undefined) return [];
      const { openRegistry } = await import('../../app/open-codecs.ts');
      try {
        const registry = openRegistry(settings, settings.SCHEMA_REGISTRY, Date.now);
        try {
          await registry.schemaOf(NOBODYS[registry.kind]);
        } catch (thrown) {
          if (thrown instanceof RequestError) return [ok(`the schema registry ${registry.title} answers`)];
          const fix =
            'Look at SCHEMA_REGISTRY and SCHEMA_REGISTRY_AUTH; in Azure the identity needs the role Schema Registry Reader.';
          return [fail((thrown as Error).message, fix)];
        }
        return [ok(`the schema registry ${registry.title} answers`)];
      } catch (thrown) {
        return [failure('schema registry', thrown)];
      }
    },
  };
}
