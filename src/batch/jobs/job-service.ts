import { z } from 'zod';
import { RequestError } from '../../core/errors.ts';
import { JobProblem, type JobService } from '../../core/job-service.ts';
import { BatchRefusal } from '../problems.ts';
import { cancelJob, retryJob } from './control.ts';
import { NoJob } from './job-store.ts';
import { jobRequestSchema } from './request.ts';
import { listStatuses, rejectsOf, reportOf, shown, statusOf } from './status.ts';
import { type SubmitRoom, submitJob } from './submit.ts';

/** What HTTP and the command line do to jobs. */
export function createJobService(room: SubmitRoom): JobService {
  return {
    submit: (request, signal) =>
      telling('refused', async () => {
        const parsed = jobRequestSchema.safeParse(request);
        if (!parsed.success) throw new JobProblem('malformed', `the job: ${z.prettifyError(parsed.error)}`);
        const { job, created } = await submitJob(room, parsed.data, signal);
        return { job: shown(job), created };
      }),
    list: signal => telling('refused', () => listStatuses(room, signal)),
    status: (id, signal) => telling('refused', () => statusOf(room, id, signal)),
    cancel: (id, signal) => telling('state', async () => shown(await cancelJob(room, id, signal))),
    retry: (id, signal) => telling('state', async () => shown(await retryJob(room, id, signal))),
    report: (id, form, signal) => telling('state', () => reportOf(room, id, `report.${form}`, signal)),
    rejects: (id, signal) => telling('state', () => rejectsOf(room, id, signal)),
  };
}

async function telling<T>(refusal: JobProblem['kind'], work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof BatchRefusal) throw new JobProblem(refusal, cause.message, { cause });
    if (cause instanceof NoJob) throw new JobProblem('absent', cause.message, { cause });
    if (cause instanceof RequestError && cause.code === 'unknown_model') {
      throw new JobProblem('absent', cause.message, { cause });
    }
    throw cause;
  }
}
