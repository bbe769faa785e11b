import {
  type Backend,
  type BackendInfo,
  type BackendPart,
  type BackendStatus,
  type PredictOptions,
  statusOf,
} from '../../core/backend.ts';
import type { EnsembleCard } from '../../core/ensemble-card.ts';
import { RequestError } from '../../core/errors.ts';
import type { ModelVersion } from '../../core/model.ts';
import type { Tensors } from '../../core/tensor.ts';
import { rowsOf } from '../merge-tensors.ts';
import { type Alignment, aligned } from '../several/align.ts';
import { createRunning } from '../several/running.ts';
import type { Slot } from '../several/slot.ts';
import type { Answer, Combiner } from './combiner.ts';

/** A member that is there. */
export interface Member {
  readonly version: ModelVersion;
  /** How the ensemble's inputs are given to it. */
  readonly alignment: Alignment;
}

export interface EnsembleParts {
  /** `churn/3.0.0/model.json` */
  readonly title: string;
  readonly ensemble: EnsembleCard;
  /** By the card's order, with what they are called while they are missing. */
  readonly slots: readonly { readonly title: string; readonly slot: Slot<Member> }[];
  readonly combiner: Combiner;
  readonly info: BackendInfo;
}

/** Models that answer together: each is given the same rows at the same time. */
export function createEnsembleBackend({ title, ensemble, slots, combiner, info }: EnsembleParts): Backend {
  const strict = ensemble.on_missing === 'fail';
  const running = createRunning(title, async () => {
    for (const { slot } of slots) await (await slot.close())?.version.backend.close();
  });

  function away(name: string, reason: string): RequestError {
    return new RequestError('model_unavailable', 'infer', `${title}: member ${name}: ${reason}`);
  }

  async function predict(inputs: Tensors, options: PredictOptions): Promise<Tensors> {
    const here = slots.map(({ slot }) => slot.get());
    const asked = await Promise.allSettled(
      here.map(member => (member === undefined ? undefined : ask(member, inputs, options))),
    );
    options.signal?.throwIfAborted();
    const answers: Answer[] = [];
    let missing: RequestError | undefined;
    asked.forEach((result, i) => {
      const { title: name, slot } = slots[i] as (typeof slots)[number];
      if (result.status === 'rejected') {
        if (!isAway(result.reason)) throw result.reason;
        missing ??= away(name, result.reason.message);
      } else if (result.value === undefined) missing ??= away(name, slot.reason ?? 'it is not there');
      else answers.push({ member: name, version: (here[i] as Member).version, outputs: result.value });
    });
    if (missing !== undefined && (strict || answers.length === 0)) throw missing;
    return combiner.combine(answers, rowsOf(inputs));
  }

  return {
    info,
    load: async () => info,
    predict: (inputs, options = {}) =>
      running.run(() => {
        options.signal?.throwIfAborted();
        return predict(inputs, options);
      }),
    get status(): BackendStatus {
      const parts = slots.map(({ title: name, slot }) => partOf(name, slot));
      const missing = parts.filter(({ state }) => state === 'away');
      const isAway = strict ? missing.length > 0 : missing.length === parts.length;
      const reason = missing.map(part => `${part.title}: ${part.reason ?? 'away'}`).join('; ');
      const at = `${ensemble.combine} of ${parts.length}`;
      return { kind: 'ensemble', at, state: isAway ? 'away' : 'up', ...(reason && { reason }), parts };
    },
    close: running.close,
  };
}

function ask({ version, alignment }: Member, inputs: Tensors, options: PredictOptions): Promise<Tensors> {
  return version.backend.predict(aligned(alignment, inputs), options);
}

function isAway(thrown: unknown): thrown is RequestError {
  return thrown instanceof RequestError && thrown.code === 'model_unavailable';
}

function partOf(title: string, slot: Slot<Member>): BackendPart {
  const there = slot.get()?.version.backend;
  if (there === undefined)
    return { title, kind: 'unknown', at: '', state: 'away', ...(slot.reason && { reason: slot.reason }) };
  return { title, ...statusOf(there) };
}
