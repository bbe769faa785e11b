/** Figures of the live page as `/live/data` gives them, for what no small stack shows: many models, long names, rollouts, drift, jobs. */

const LONG = 'fraud-detection-for-card-payments-in-northern-europe-with-a-name-that-nobody-can-type';
export const MARKUP = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>";

const AT = '2026-11-21T09:00:00.000Z';

/** Nothing has happened and nothing is there. */
export function emptyFigures() {
  return {
    hubs: {
      requests: 'inference-requests',
      results: 'inference-requests-results',
      deadLetters: 'inference-dead-letter',
    },
    ...{ since: AT, latency: {}, models: [], dead_letters: [], last_results: [], last_dead_letters: [] },
    partitions: ['0', '1'].map(id => ({ id, backlog: 0, last: -1 })),
    rates: { step_ms: 10_000, from: null, endings: [], dead_letters: { at: 0, counts: [] } },
    ...{ catalog: [], rollouts: [], drift: [], jobs: [], breakers: {}, behind: 0, unsure: 0, lost: 0, problems: [] },
  };
}

/** As much as there may be of everything. @param nowMs by the browser's clock */
export function fullFigures(nowMs: number) {
  const models = Array.from({ length: 50 }, (_, i) => ({
    ...{ name: i === 0 ? LONG : `model-${i}`, version: `1.${i}.0+a1b2c3d4` },
    ...{
      requests: 5_000 - i,
      results: 4_990 - i,
      dead_letters: 10,
      errors: 3,
      latency: { p50_ms: 4.2, p95_ms: 11, p99_ms: 1_230 },
    },
    confidence: Array.from({ length: 20 }, (_, bin) => bin * bin),
  }));
  const counts = Array.from({ length: 360 }, (_, i) => 200 + ((i * 7919) % 60));
  return {
    ...emptyFigures(),
    models,
    dead_letters: [
      { code: 'schema_mismatch', count: 420 },
      { code: 'inference_failed', count: 80 },
    ],
    partitions: ['0', '1', '2', '3'].map(id => ({ id, backlog: 1_200, last: 99_999 })),
    latency: { p50_ms: 4.2, p95_ms: 11, p99_ms: 38 },
    rates: {
      ...{ step_ms: 10_000, from: new Date(nowMs - 3_595_000).toISOString() },
      endings: models
        .slice(0, 8)
        .map(({ name, version }, i) => ({ name, version, at: 0, counts: counts.map(many => many / (i + 1)) })),
      dead_letters: { at: 300, counts: [3, 9, 4] },
    },
    last_results: [result(MARKUP), result('r'.repeat(500)), result(7)],
    last_dead_letters: [letter(MARKUP), letter('req_2')],
    catalog: models.map(({ name }, i) => ({
      ...{
        name,
        versions: ['1.0.0', '1.1.0', '1.2.0'],
        aliases: { production: '1.1.0', previous: '1.0.0' },
        production: '1.1.0',
      },
      ...(i === 0 && {
        quarantine: { '1.2.0': 'ro_1 error_rate' },
        changed: { at: AT, by: 'maria@example.com', action: 'rollout rollback', revision: 42 },
      }),
    })),
    rollouts: [rollout(LONG, nowMs), rollout('model-1', nowMs)],
    drift: [
      {
        ...{ model: 'model-1', version: '1.0.0', size: '1h', toMs: nowMs, rows: 12_400, status: 'alarm' },
        features: [drifted('tenure', 'alarm', 0.214), drifted(LONG, 'ok', 0.02)],
        deadLetters: [{ rule: 'dead_letters', code: 'schema_mismatch', bad: 80, trials: 900, alarm: true }],
      },
    ],
    jobs: [job('running'), job('succeeded'), job('failed')],
    breakers: { storage: 'closed', [LONG]: 'open' },
    ...{ behind: 12, unsure: 1, lost: 2, problems: [{ what: 'drift', message: 'not within 20 s' }] },
  };
}

function result(request_id: unknown) {
  return {
    ...{ request_id, result_id: `inference-requests/0/${request_id}`, model: LONG, model_version: '1.1.0+a1b2c3d4' },
    ...{ prediction: MARKUP, confidence: 0.73, latency_ms: 11.2, timestamp: AT, ended_at: AT, variant: 'candidate' },
  };
}

function letter(request_id: unknown) {
  const error = { code: 'schema_mismatch', message: `features has 9 values; it takes 10: ${MARKUP}` };
  return {
    request_id,
    result_id: `inference-requests/1/${request_id}`,
    model: LONG,
    error,
    failed_at: AT,
    ended_at: AT,
  };
}

function rollout(model: string, nowMs: number) {
  const arm = { requests: 2914, errors: 9, runs: 240, slow_runs: 3, failed_runs: 0, labels: 212, right: 200 };
  const trigger = { bad: 9, trials: 2914, candidate: 0.0031, production: 0.0028, threshold: 4.382 };
  return {
    ...{ model, revision: 42, verdict: 'undecided', next: 'at its end it is held for a person' },
    rollout: {
      ...{ id: 'ro_7Q2', kind: 'canary', phase: 'running', candidate: '1.2.0', baseline: '1.1.0', weight: 5 },
      ...{ effective_at: AT, ends_at: new Date(nowMs + 10_800_000).toISOString() },
    },
    arms: { candidate: arm, production: { ...arm, requests: 55_000 } },
    triggers: [
      { trigger: 'error_rate > 0.01', ...trigger, fail_evidence: -3.7585, pass_evidence: 8.3565, verdict: 'pass' },
      {
        trigger: 'failed_runs > 0.01',
        ...trigger,
        fail_evidence: 2.1,
        pass_evidence: -0.4,
        verdict: 'undecided',
        why: 'too few runs',
      },
    ],
    split: { expected: 0.05, observed: 0.0503, bad: 498, trials: 9_900, evidence: -2.3, verdict: 'pass' },
    blame: ['error_rate > 0.01: Contract = Two year: 41 of 41 bad'],
    undo: `npx hubscore rollout rollback ${model}`,
  };
}

function job(state: string) {
  return {
    ...{
      id: `job-${state}`,
      state,
      model: 'model-1',
      model_version: '1.0.0',
      input: [{ path: 'lake/in.csv', bytes: 1_000 }],
    },
    progress: {
      bytes: 400,
      rows: 12_000,
      rejected: 3,
      rows_per_second: 9_100,
      eta: state === 'running' ? AT : null,
      sla: 'at_risk',
    },
    history: [{ state, at: AT }],
    error: state === 'failed' ? { message: 'more than 1 % of the rows were rejected' } : null,
  };
}

function drifted(name: string, status: string, js: number) {
  const moved = { bin: '24 to 36', reference: 0.2, now: 0.31 };
  return {
    of: 'feature',
    name,
    status,
    distance: { js },
    moved,
    quality: [{ rule: 'missing', bad: 30, trials: 900, alarm: true }],
  };
}
