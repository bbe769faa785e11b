import type { StoredEvent } from '../core/hub-reader.ts';
import type { Watched } from '../rollouts/triggers.ts';
import { OWN_FAULTS, readLetter, readResult, sourceOf } from '../sweep/read-ending.ts';

/** One trial of a trigger, and the request that stands for it: of what shared a run, the first. */
export interface Trial {
  readonly sequenceNumber: number;
  /** Place among the requests of the event; −1 where it carried but one. */
  readonly part: number;
  readonly bucket: number;
  readonly isBad: boolean;
}

/** Takes the endings of a rollout's candidate apart into trials of a trigger, as they are counted. Of triggers by labels there is none. */
export class CandidateTrials {
  readonly #watched: Watched;
  readonly #rollout: string;
  readonly #model: string;
  readonly #runs = new Set<string>();

  constructor(model: string, rollout: string, watched: Watched) {
    this.#watched = watched;
    this.#rollout = rollout;
    this.#model = model;
  }

  /** @returns undefined where the ending is none of the candidate's, or begins no trial */
  of(kind: 'results' | 'dead-letters', event: StoredEvent): Trial | undefined {
    const { model, rollout, variant, bucket } = event.properties;
    if (model !== this.#model || rollout !== this.#rollout || variant !== 'candidate') return undefined;
    const source = sourceOf(event);
    if (source === undefined) return undefined;
    const isBad = kind === 'results' ? this.#ofResult(event.body) : this.#ofLetter(event.body);
    return isBad === undefined ? undefined : { ...source, bucket: Number(bucket ?? -1), isBad };
  }

  #ofResult(body: Buffer): boolean | undefined {
    const facts = readResult(body);
    if (facts === undefined) return undefined;
    const { metric, limit } = this.#watched;
    const standIn = facts.fallback || facts.degraded;
    const run = `${facts.timestamp} ${facts.modelMs} ${standIn}`;
    if (metric === 'error_rate') {
      if (standIn) return this.#isNewRun(run) ? true : undefined;
      return facts.failedRows > 0;
    }
    if (facts.cached || !this.#isNewRun(run)) return undefined;
    if (metric === 'failed_runs') return standIn;
    return metric === 'latency' ? facts.modelMs > limit : undefined;
  }

  #ofLetter(body: Buffer): boolean | undefined {
    const facts = readLetter(body);
    if (facts === undefined || !OWN_FAULTS.has(facts.code)) return undefined;
    const { metric } = this.#watched;
    const { run, code, failedAt } = facts;
    const isWhole = code === 'model_unavailable' || (run !== undefined && run.failed >= run.rows);
    if (!isWhole) return metric === 'error_rate' ? true : undefined;
    const counts = metric === 'error_rate' || metric === 'failed_runs';
    return counts && this.#isNewRun(`${failedAt} ${run?.rows ?? ''}`) ? true : undefined;
  }

  #isNewRun(key: string): boolean {
    if (this.#runs.has(key)) return false;
    this.#runs.add(key);
    return true;
  }
}
