import type { Job } from '../batch/jobs/job.ts';
import type { JobEvents } from '../batch/jobs/room.ts';
import { asError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';

const WEBHOOK_MS = 10_000;

/** Tells metrics, and a webhook where one is set, what becomes of jobs. */
export function createJobEvents({
  telemetry,
  webhook,
  log,
}: {
  readonly telemetry: Pick<Telemetry, 'recordJob' | 'recordChunk' | 'recordSla'>;
  readonly webhook: string | undefined;
  readonly log: Log;
}): JobEvents {
  const tell = (event: string, job: Job) => {
    if (webhook === undefined) return;
    const { id, state, model, model_version, output, deadline, progress, error } = job;
    const body = JSON.stringify({ event, id, state, model, model_version, output, deadline, progress, error });
    const headers = { 'content-type': 'application/json' };
    void fetch(webhook, { method: 'POST', headers, body, signal: AbortSignal.timeout(WEBHOOK_MS) }).then(
      ({ ok, status }) => {
        if (!ok) log.warn(`BATCH_WEBHOOK answered ${status}`);
      },
      thrown => log.warn(`BATCH_WEBHOOK did not answer: ${asError(thrown).message}`),
    );
  };
  return {
    ended(job) {
      telemetry.recordJob(job.state as 'succeeded');
      if (job.state === 'failed') tell('failed', job);
    },
    sla(job) {
      const { sla } = job.progress;
      if (sla === 'on_track') return;
      telemetry.recordSla(sla);
      tell(sla, job);
    },
    chunk: (_, outcome, seconds) => telemetry.recordChunk(outcome, seconds),
  };
}
