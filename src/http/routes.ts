export interface HttpRoute {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Below the root: host.json leaves the route prefix empty. */
  readonly route: string;
  /** Asks for no key: probes of load balancers and Kubernetes carry none. */
  readonly open: boolean;
}

const MODEL = 'v2/models/{name}';
const VERSION = `${MODEL}/versions/{version}`;
const JOBS = 'batch/jobs';
const JOB = `${JOBS}/{id}`;

/** Everything that HTTP can ask. */
export const ROUTES = {
  'v2-server': { method: 'GET', route: 'v2', open: false },
  'v2-live': { method: 'GET', route: 'v2/health/live', open: true },
  'v2-ready': { method: 'GET', route: 'v2/health/ready', open: true },
  'v2-repository-index': { method: 'POST', route: 'v2/repository/index', open: false },
  'v2-model': { method: 'GET', route: MODEL, open: false },
  'v2-model-version': { method: 'GET', route: VERSION, open: false },
  'v2-model-ready': { method: 'GET', route: `${MODEL}/ready`, open: false },
  'v2-model-version-ready': { method: 'GET', route: `${VERSION}/ready`, open: false },
  'v2-infer': { method: 'POST', route: `${MODEL}/infer`, open: false },
  'v2-infer-version': { method: 'POST', route: `${VERSION}/infer`, open: false },
  predict: { method: 'POST', route: 'models/{name}:predict', open: false },
  'batch-submit': { method: 'POST', route: JOBS, open: false },
  'batch-list': { method: 'GET', route: JOBS, open: false },
  'batch-status': { method: 'GET', route: JOB, open: false },
  'batch-cancel': { method: 'DELETE', route: JOB, open: false },
  'batch-retry': { method: 'POST', route: `${JOB}/retry`, open: false },
  'batch-report': { method: 'GET', route: `${JOB}/report`, open: false },
  'batch-rejects': { method: 'GET', route: `${JOB}/rejects`, open: false },
  metrics: { method: 'GET', route: 'metrics', open: false },
} as const satisfies Readonly<Record<string, HttpRoute>>;

export type RouteName = keyof typeof ROUTES;
