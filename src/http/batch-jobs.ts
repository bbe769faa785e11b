import { JobProblem, type JobService } from '../core/job-service.ts';
import { type Handler, type HttpReply, json, problem } from './http.ts';

const STATUS: Readonly<Record<JobProblem['kind'], number>> = { malformed: 400, refused: 422, absent: 404, state: 409 };
const MAX_REQUEST_BYTES = 256 * 1024;
const TIMEOUT_MS = 120_000;
const TYPES = { json: 'application/json', txt: 'text/plain; charset=utf-8', html: 'text/html; charset=utf-8' };

/** Batch jobs by HTTP. @param open builds what they need when they are first asked for */
export function batchHandlers(open: () => Promise<JobService>) {
  const handler =
    (answer: (jobs: JobService, ...of: Parameters<Handler>) => Promise<HttpReply>): Handler =>
    async request => {
      try {
        return await answer(await open(), request);
      } catch (thrown) {
        if (thrown instanceof JobProblem) return problem(STATUS[thrown.kind], thrown.message);
        throw thrown;
      }
    };
  const idOf = ({ params }: Parameters<Handler>[0]) => params.id ?? '';
  const signal = () => AbortSignal.timeout(TIMEOUT_MS);
  return {
    'batch-submit': handler(async (jobs, request) => {
      const { job, created } = await jobs.submit(await bodyOf(request), signal());
      return json(created ? 202 : 200, job, { location: `/batch/jobs/${job.id}` });
    }),
    'batch-list': handler(async jobs => json(200, { jobs: await jobs.list(signal()) })),
    'batch-status': handler(async (jobs, request) => json(200, await jobs.status(idOf(request), signal()))),
    'batch-cancel': handler(async (jobs, request) => json(200, await jobs.cancel(idOf(request), signal()))),
    'batch-retry': handler(async (jobs, request) => json(202, await jobs.retry(idOf(request), signal()))),
    'batch-report': handler(async (jobs, request) => {
      const form = formOf(request.headers.get('accept') ?? '');
      const body = await jobs.report(idOf(request), form, signal());
      return { status: 200, headers: { 'content-type': TYPES[form], vary: 'accept' }, body };
    }),
    'batch-rejects': handler(async (jobs, request) => {
      const body = await jobs.rejects(idOf(request), signal());
      return { status: 200, headers: { 'content-type': 'text/csv; charset=utf-8' }, body };
    }),
  } satisfies Record<string, Handler>;
}

/** A browser is shown a page, `text/plain` the text; whoever does not care gets JSON. */
function formOf(accept: string): keyof typeof TYPES {
  if (accept.includes('text/html')) return 'html';
  return accept.includes('text/plain') ? 'txt' : 'json';
}

async function bodyOf(request: Parameters<Handler>[0]): Promise<unknown> {
  const body = Buffer.from(await request.arrayBuffer());
  if (body.length > MAX_REQUEST_BYTES)
    throw new JobProblem('malformed', `a job of ${body.length} bytes; ${MAX_REQUEST_BYTES} at most are read`);
  try {
    return JSON.parse(body.toString());
  } catch (cause) {
    throw new JobProblem(
      'malformed',
      'the body is no JSON: a job is expected, such as {"input": "lake/in.csv", "output": "lake/out.csv", "model": "churn"}',
      { cause },
    );
  }
}
