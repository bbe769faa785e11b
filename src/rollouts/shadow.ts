import { ChangeRefused, type Decided } from './change.ts';
import type { Moment } from './decisions.ts';
import type { DeploymentDocument } from './document.ts';

/** A version that is asked beside production what production is asked, and answers nobody. */
export interface Shadow {
  /** Salts the sample, so that another shadow gets another one. */
  readonly id: string;
  readonly version: string;
  /** Per cent of the requests. */
  readonly sample: number;
  /** Requests enqueued from then on are sampled, ISO 8601. */
  readonly effective_at: string;
  /** When it was stopped; undefined: it runs. */
  readonly ended_at?: string | undefined;
}

/** The shadow that a document names, be it stopped; undefined where it names none that could be followed. */
export function shadowOf({ shadow }: Pick<DeploymentDocument, 'shadow'>): Shadow | undefined {
  const { id, version, sample, effective_at, ended_at } = (shadow ?? {}) as Partial<Shadow>;
  if (id === undefined || version === undefined || sample === undefined || effective_at === undefined) return undefined;
  return { id, version, sample, effective_at, ended_at };
}

/** @throws ChangeRefused where another one runs, or the sample is none */
export function startShadow(
  before: DeploymentDocument,
  { id, version, sample }: Pick<Shadow, 'id' | 'version' | 'sample'>,
  { nowMs, leadMs }: Moment,
): Decided {
  const running = shadowOf(before);
  if (running !== undefined && running.ended_at === undefined)
    throw new ChangeRefused(`shadow ${running.id} of ${running.version} runs: stop it first`);
  if (!(sample > 0 && sample <= 100))
    throw new ChangeRefused(`sample ${sample}: expected more than 0 and at most 100, per cent`);
  const shadow: Shadow = { id, version, sample, effective_at: new Date(nowMs + leadMs).toISOString() };
  return {
    document: { ...before, shadow: { ...shadow } },
    action: 'shadow',
    reason: { text: `${id}: ${version}, ${sample} %` },
  };
}

/** Requests that are not paired yet stay so. @throws ChangeRefused where none runs */
export function stopShadow(before: DeploymentDocument, { nowMs }: Moment): Decided {
  const running = shadowOf(before);
  if (running === undefined || running.ended_at !== undefined) throw new ChangeRefused('no shadow runs');
  const ended_at = new Date(nowMs).toISOString();
  return {
    document: { ...before, shadow: { ...before.shadow, ended_at } },
    action: 'end shadow',
    reason: { text: `${running.id}: ${running.version}` },
  };
}
