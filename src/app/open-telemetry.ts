import { credentialOf } from '../azure/credential.ts';
import type { Settings } from '../config/settings.ts';
import { createTelemetry, type Telemetry } from '../telemetry/telemetry.ts';
import type { Lifetime } from './parts.ts';
import type { World } from './world.ts';

/** Metrics and traces of this process. The other parts tell it what to ask them. */
export function openTelemetry(settings: Settings, { clock, log }: World, lifetime: Lifetime): Telemetry {
  const telemetry = createTelemetry({
    connectionString: settings.APPLICATIONINSIGHTS_CONNECTION_STRING,
    authentication: settings.APPLICATIONINSIGHTS_AUTHENTICATION_STRING,
    credentialOf,
    tracesPerSecond: settings.TRACES_PER_SECOND,
    liveMetrics: settings.APPLICATIONINSIGHTS_LIVE_METRICS,
    clock,
    log,
  });
  lifetime.finish(telemetry.close); // its last look still asks the others
  return telemetry;
}
