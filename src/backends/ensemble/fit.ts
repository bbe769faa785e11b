import type { BackendInfo, WarmUpPlan } from '../../core/backend.ts';
import type { EnsembleCard } from '../../core/ensemble-card.ts';
import type { LoadSource } from '../../core/loader.ts';
import { Misfit } from '../../core/misfit.ts';
import type { ModelVersion } from '../../core/model.ts';
import type { TensorSpec } from '../../core/tensor.ts';
import { align, joint } from '../several/align.ts';
import { type Combiner, combinerFor } from './combiner.ts';
import type { Member } from './ensemble-backend.ts';
import { checkFeatures, checkOwnFeatures } from './same-features.ts';

/** How members fit beside the first of them: what they take, and what they say together. */
export interface Fit {
  readonly combiner: Combiner;
  /** Holds one against the first, and takes what it says of inputs into account. @throws Misfit */
  widen(version: ModelVersion): void;
  /** Holds one that came later against what was settled. @throws Misfit */
  check(version: ModelVersion): void;
  member(version: ModelVersion): Member;
  plan(source: LoadSource): WarmUpPlan;
  info(there: readonly ModelVersion[], source: LoadSource): BackendInfo;
}

/** @throws Misfit where it could lead no ensemble */
export function createFit(ensemble: EnsembleCard, lead: ModelVersion, card: LoadSource['card']): Fit {
  let inputs: readonly TensorSpec[] = lead.signature.inputs;
  const combiner = combinerFor(ensemble, lead);

  function check(version: ModelVersion): void {
    const { signature } = version;
    if (signature.unbatched) throw new Misfit('its inputs share no batch');
    checkFeatures(lead.card, version.card, align('input', inputs, signature.inputs));
    checkOwnFeatures(card.features, version.card);
    combiner.check(version);
  }

  function signature() {
    return { inputs, outputs: combiner.outputs, opaqueOutputs: [] };
  }

  function plan(source: LoadSource): WarmUpPlan {
    const { raw } = lead.card;
    const beneath = { task: raw.task, features: raw.features, example: raw.example, outputs: combiner.roles };
    return source.plan(signature(), combiner.classes, lead.card.unneededInputs, beneath);
  }

  return {
    combiner,
    check,
    widen(version) {
      check(version);
      const pairs = align('input', inputs, version.signature.inputs);
      inputs = inputs.map(input => {
        const { to } = pairs.find(({ from }) => from === input.name)!;
        return joint(input, version.signature.inputs.find(({ name }) => name === to)!);
      });
    },
    member: version => ({ version, alignment: align('input', inputs, version.signature.inputs) }),
    plan,
    info(there, source) {
      const infos = there.map(({ backend }) => backend.info);
      const places = new Set(infos.map(({ placement }) => placement));
      const { maxBatchSize: wanted = Number.POSITIVE_INFINITY } = plan(source);
      const rows = Math.min(wanted, ...infos.map(({ maxBatchSize }) => maxBatchSize));
      const took = infos.map(({ warmUpMs, maxBatchSize }) => (warmUpMs * rows) / maxBatchSize);
      const inLine = places.size === 1 && places.has('in-line');
      return {
        signature: signature(),
        placement: places.has('remote') ? 'remote' : inLine ? 'in-line' : 'worker',
        warmUpMs: inLine ? took.reduce((sum, ms) => sum + ms, 0) : Math.max(...took),
        memoryBytes: 0, // its members count their own
        maxBatchSize: rows,
        ...(infos.some(({ apart }) => apart) && { apart: true }),
        ...(infos.every(({ pads }) => pads) && { pads: true }),
        // Who answers is not always the same.
        ...((ensemble.on_missing === 'ignore' || infos.some(({ varies }) => varies)) && { varies: true }),
      };
    },
  };
}
