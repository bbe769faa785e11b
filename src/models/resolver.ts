import { BlobGone } from '../core/blobs.ts';
import { InfrastructureError, RequestError } from '../core/errors.ts';
import type { Absences } from './absences.ts';
import { type Decision, decide } from './decide.ts';
import { BrokenModel } from './load-version.ts';
import type { Residents } from './residents.ts';
import type { Snapshot } from './snapshot.ts';

export type Settled = Exclude<Decision, { kind: 'load' }>;

/** Finds what answers a request, by what storage holds and what can be loaded of it. */
export interface Resolver {
  /** The model that is meant; undefined where none is named, and there is more than one. */
  nameOf(model: string | undefined): string | undefined;
  /**
   * Looks into storage where what is asked for is not known, loads where it must.
   * @throws RequestError unknown_model or model_unavailable; InfrastructureError where storage is away and nothing answers.
   */
  resolve(model: string | undefined, asked: string | undefined): Promise<Extract<Decision, { kind: 'use' }>>;
  /** Loads until a version of a model can be used, or none can. @throws InfrastructureError */
  settle(name: string, asked: string | undefined): Promise<Settled>;
}

const NAMES_IN_MESSAGE = 20;

export function createResolver(parts: {
  readonly snapshot: Snapshot;
  readonly residents: Residents;
  readonly absences: Absences;
  readonly defaultModel: string | undefined;
}): Resolver {
  const { snapshot, residents, absences, defaultModel } = parts;

  function nameOf(model: string | undefined): string | undefined {
    if (model !== undefined) return model;
    if (defaultModel !== undefined) return defaultModel;
    const [only, another] = snapshot.models!.keys();
    return another === undefined ? only : undefined;
  }

  /** What is asked for itself, and not what stands in for it. */
  function isThere(model: string | undefined, asked: string | undefined): boolean {
    const decision = decisionOf(model, asked);
    return decision !== undefined && decision.kind !== 'none' && !decision.fallback;
  }

  function isAnswered(model: string | undefined, asked: string | undefined): boolean {
    const decision = decisionOf(model, asked);
    return decision !== undefined && decision.kind !== 'none';
  }

  function decisionOf(model: string | undefined, asked: string | undefined): Decision | undefined {
    const name = nameOf(model);
    return name === undefined ? undefined : decide(snapshot.models!, residents, name, asked);
  }

  /**
   * What is not there may just have been put there. Nothing ends as unknown but by a look that has shown it: where storage does not answer, the request waits
   * for it, unless another version stands in. @throws InfrastructureError
   */
  async function lookFor(model: string | undefined, asked: string | undefined): Promise<void> {
    const key = JSON.stringify([model, asked]);
    if (snapshot.away && isAnswered(model, asked)) return;
    const look = async () => {
      const number = await snapshot.lookAgain();
      if (!isThere(model, asked)) absences.shown(key, number);
    };
    if (absences.has(key)) {
      if (absences.isAging(key)) look().catch(() => {});
      return;
    }
    try {
      await look();
    } catch (thrown) {
      if (!isAnswered(model, asked)) throw thrown;
    }
  }

  async function settle(name: string, asked: string | undefined): Promise<Settled> {
    for (let gone = 0; ; ) {
      const decision = decide(snapshot.models!, residents, name, asked);
      if (decision.kind === 'none' && decision.away) throw new InfrastructureError(decision.reason);
      if (decision.kind !== 'load') return decision;
      try {
        await residents.load(decision.stored);
      } catch (thrown) {
        if (thrown instanceof BlobGone && gone++ < 2) await snapshot.look();
        else if (thrown instanceof BlobGone) throw new InfrastructureError(thrown.message, { cause: thrown });
        else if (!(thrown instanceof BrokenModel)) throw thrown;
      }
    }
  }

  function unknownModel(model: string | undefined): RequestError {
    const names = [...snapshot.models!.keys()].sort();
    const more = names.length > NAMES_IN_MESSAGE ? ` and ${names.length - NAMES_IN_MESSAGE} more` : '';
    const there =
      names.length === 0 ? 'there are no models' : `there are ${names.slice(0, NAMES_IN_MESSAGE).join(', ')}${more}`;
    const said = model ?? defaultModel;
    const what =
      said === undefined
        ? 'the request names no model, and DEFAULT_MODEL is not set'
        : `model ${said.slice(0, 100)} is not there`;
    return new RequestError('unknown_model', 'route', `${what}; ${there}`);
  }

  return {
    nameOf,
    settle,
    async resolve(model, asked) {
      if (!snapshot.models) await snapshot.look();
      if (!isThere(model, asked)) await lookFor(model, asked);
      const name = nameOf(model);
      if (name === undefined || !snapshot.models!.has(name)) throw unknownModel(model);
      const decision = await settle(name, asked);
      if (decision.kind === 'none') throw new RequestError('model_unavailable', 'route', decision.reason);
      return decision;
    },
  };
}
