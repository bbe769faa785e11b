import type { Rollout } from '../../src/rollouts/document.ts';

export const START = '2026-11-21T09:00:00.000Z';
export const T0 = Date.parse(START);
export const HOUR = 3_600_000;

/** A canary that runs since START, with what is given instead. */
export function rolloutOf(more: Partial<Rollout> = {}): Rollout {
  return {
    id: 'ro_7Q2',
    kind: 'canary',
    phase: 'running',
    candidate: '1.2.0',
    baseline: '1.1.0',
    weight: 5,
    started_at: START,
    effective_at: START,
    duration: '24h',
    on_undecided: 'hold',
    alpha: 0.05,
    triggers: [{ when: 'error_rate > 0.01', default: true }],
    ...more,
  };
}
