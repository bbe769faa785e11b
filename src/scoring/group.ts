import { RequestError } from '../core/errors.ts';
import type { ModelVersion } from '../core/model.ts';
import type { Route } from '../core/routing.ts';
import { AnswerTable } from './answers/answer-table.ts';
import { type Plan, planOf } from './plan.ts';
import type { Rows } from './rows/rows.ts';

/** What the answers of requests share in their wording. */
export interface Way {
  readonly group: Group;
  readonly route: Route;
  /** The card's default stood in. */
  readonly degraded: boolean;
}

/** Requests that one model version answers, whatever routes lead to it: their instances are rows of the same columns, and share runs. */
export class Group {
  readonly version: ModelVersion;
  readonly answers = new AnswerTable();
  /** By row, where the model failed on it. */
  readonly failed = new Map<number, RequestError>();
  /** Where instances go whose features are read straight from an event's bytes, and how many features they have; 0 where that is not possible. */
  readonly scanWidth: number;
  readonly scannedRows: Rows | undefined;
  readonly #plan: Plan | RequestError;
  readonly #ways: Way[] = [];

  /** @param rows how many there will be, about */
  constructor(version: ModelVersion, rows: number) {
    this.version = version;
    this.#plan = tryPlan(version);
    const plan = this.#plan instanceof RequestError ? undefined : this.#plan;
    this.scannedRows = plan?.encoder.begin(rows);
    this.scanWidth = plan?.scanWidth ?? 0;
  }

  /** @throws RequestError model_unavailable where the version cannot serve. */
  get plan(): Plan {
    if (this.#plan instanceof RequestError) throw this.#plan;
    return this.#plan;
  }

  /** @throws RequestError model_unavailable where the version cannot serve. */
  get rows(): Rows {
    return this.scannedRows ?? this.plan.encoder.begin(0);
  }

  get isEmpty(): boolean {
    return this.scannedRows === undefined || this.scannedRows.count === 0;
  }

  /** The way of a route to this version; routes that say the same are one. */
  wayOf(route: Route, degraded = false): Way {
    let way = this.#ways.find(known => known.degraded === degraded && isAlike(known.route, route));
    if (way === undefined) {
      way = { group: this, route, degraded };
      this.#ways.push(way);
    }
    return way;
  }
}

function isAlike(one: Route, other: Route): boolean {
  return (
    one === other ||
    (one.variant === other.variant &&
      one.rollout?.id === other.rollout?.id &&
      one.rollout?.revision === other.rollout?.revision &&
      one.fallback === other.fallback &&
      one.requestedVersion === other.requestedVersion)
  );
}

function tryPlan(version: ModelVersion): Plan | RequestError {
  try {
    return planOf(version);
  } catch (thrown) {
    if (thrown instanceof RequestError) return thrown;
    throw thrown;
  }
}
