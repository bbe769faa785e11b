import type { Guard } from '../apart/guard.ts';
import type { Settings } from '../config/settings.ts';
import type { Catalog } from '../core/catalog.ts';
import type { JobService } from '../core/job-service.ts';
import { VERSION } from '../core/version.ts';
import { createHttpApi, type HttpApi } from '../http/api.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { World } from './world.ts';

const MIB = 1024 * 1024;

/** The HTTP API over what scores. */
export function openHttp(
  settings: Settings,
  parts: World & {
    readonly catalog: Catalog;
    readonly guard: Guard;
    readonly telemetry: Telemetry;
    readonly jobs: () => Promise<JobService>;
  },
): HttpApi {
  const { catalog, guard, telemetry, jobs, clock, log } = parts;
  return createHttpApi({
    catalog,
    jobs,
    predict: guard.predict,
    score: guard.scoreAsked,
    record: telemetry.recordEnding,
    recordSlices: telemetry.recordSlices,
    recordAsked: telemetry.recordAsked,
    recordHttp: telemetry.recordHttp,
    prometheus: telemetry.prometheus,
    version: VERSION,
    maxBodyBytes: settings.HTTP_MAX_BODY_MB * MIB,
    maxConcurrent: settings.HTTP_MAX_CONCURRENT,
    timeoutMs: settings.HTTP_TIMEOUT_MS,
    clock,
    log,
  });
}
