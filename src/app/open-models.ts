import type { Settings } from '../config/settings.ts';
import type { ModelCatalog } from '../models/catalog.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { createLoaders } from './create-loaders.ts';
import { openCatalog } from './open-catalog.ts';
import type { Lifetime } from './parts.ts';
import type { World } from './world.ts';

/** The models of the storage account, which begin to load. @throws ConfigurationError where no account is named. */
export function openModels(
  settings: Settings,
  { telemetry, clock, log }: World & { readonly telemetry: Telemetry },
  lifetime: Lifetime,
): ModelCatalog {
  const { loaders, breakers, close } = createLoaders(settings, log, pin => catalog.member(pin));
  lifetime.free(close);
  const onLoad = telemetry.recordModelLoad;
  const { catalog, breaker } = openCatalog(settings, { loaders, clock, log, onLoad });
  lifetime.free(catalog.close);
  telemetry.observe({ models: catalog.list, breakers: () => ({ storage: breaker.state, ...breakers() }) });
  void catalog.start();
  return catalog;
}
