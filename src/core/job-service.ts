/** Batch jobs as those outside ask for them: values are plain JSON. All throw JobProblem where what was asked cannot be, and InfrastructureError where storage is away. */
export interface JobService {
  /** @returns where a job with that id is there already: that one, not created */
  submit(request: unknown, signal: AbortSignal): Promise<{ readonly job: JobView; readonly created: boolean }>;
  /** Newest first. */
  list(signal: AbortSignal): Promise<readonly JobView[]>;
  status(id: string, signal: AbortSignal): Promise<JobView>;
  cancel(id: string, signal: AbortSignal): Promise<JobView>;
  retry(id: string, signal: AbortSignal): Promise<JobView>;
  /** JSON, text or a page of its own. */
  report(id: string, form: 'json' | 'txt' | 'html', signal: AbortSignal): Promise<string>;
  /** CSV: `row,offset,code,message,raw`. */
  rejects(id: string, signal: AbortSignal): Promise<string>;
}

export interface JobView {
  readonly id: string;
  readonly state: string;
  readonly [field: string]: unknown;
}

/** `refused`: the input, or what was asked of it; `absent`: there is no such job or model; `state`: not as the job stands; `malformed`: no request. */
export class JobProblem extends Error {
  override readonly name = 'JobProblem';
  readonly retryable = false;
  readonly kind: 'refused' | 'absent' | 'state' | 'malformed';

  constructor(kind: JobProblem['kind'], message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.kind = kind;
  }
}
