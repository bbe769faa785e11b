import type { BackendInfo } from '../../core/backend.ts';
import { choosesFile } from '../../core/card-kind.ts';
import { asError } from '../../core/errors.ts';
import type { Loader, LoadSource, OpenedModel } from '../../core/loader.ts';
import type { Log } from '../../core/log.ts';
import { Misfit } from '../../core/misfit.ts';
import { type ChoiceCard, choicesOf } from '../../core/remote-card.ts';
import type { Signature, TensorSpec } from '../../core/tensor.ts';
import { type Alignment, align } from '../several/align.ts';
import { createSlot } from '../several/slot.ts';
import { type Choice, type Chosen, createChoiceBackend, mostOf } from './choice-backend.ts';

export interface ChoiceOptions {
  readonly remote: Loader;
  readonly onnx: Loader;
  readonly log: Log;
  /** One that is missing is looked for again after so long. */
  readonly retryMs?: number;
}

/**
 * Models that several backends have, chosen among by how many instances come at once: cards with `"backends"`. One loader takes those of which the model
 * file is one, which is tried apart before, the other those that need no file.
 */
export function createChoiceLoaders(options: ChoiceOptions): readonly Loader[] {
  const { onnx } = options;
  const loader = { open: (source: LoadSource) => open(source, options), async close() {} };
  const ofFile = {
    ...(onnx.runtime && { runtime: onnx.runtime }),
    ...(onnx.filesBeside && { filesBeside: onnx.filesBeside }),
  };
  return [
    { ...loader, ...ofFile, takes: card => card.backends != null && choosesFile(card) },
    { ...loader, takes: card => card.backends != null && !choosesFile(card) },
  ];
}

interface Found {
  readonly card: ChoiceCard;
  readonly title: string;
  open(): Promise<OpenedModel>;
  readonly first: { readonly there: OpenedModel } | { readonly thrown: unknown };
}

type PlanArguments = Parameters<LoadSource['plan']>;

async function open(source: LoadSource, options: ChoiceOptions): Promise<OpenedModel> {
  const choices = choicesIn(source);
  const found: Found[] = [];
  const plans = new Map<Found, PlanArguments>();
  // One after the other: each holds the card against what it says of itself.
  for (const card of choices) {
    let said: PlanArguments | undefined;
    const plan = (...words: PlanArguments) => {
      said = words;
      return source.plan(...words);
    };
    const openIt = () => openOne(card, { ...source, plan }, options);
    const first = await openIt().then(
      there => ({ there }),
      thrown => ({ thrown }),
    );
    const one = { card, title: titleOf(card), open: openIt, first };
    if (said !== undefined) plans.set(one, said);
    found.push(one);
  }
  const there = found.flatMap(({ first }) => ('there' in first ? [first.there] : []));
  try {
    const failed = found.find(({ card, first }) => 'thrown' in first && (card.kind === 'onnx' || there.length === 0));
    if (failed && 'thrown' in failed.first) throw failed.first.thrown; // a file is never away
    const here = found.filter(({ first }) => 'there' in first);
    // What a file says of its classes no server does.
    const lead = here.find(({ card }) => card.kind === 'onnx') ?? here[0]!;
    if (!('there' in lead.first)) throw lead.first.thrown;
    const { signature } = lead.first.there.backend.info;
    const slots = found.map(one => choiceOf(one, signature, source, options));
    const words = plans.get(lead);
    const wanted = words && source.plan(...words).maxBatchSize;
    const backend = createChoiceBackend(source.title, slots, infoOf(lead.first.there, slots, wanted));
    const producer = found
      .map(({ title, card: { max_instances: most } }) => (most ? `${title} up to ${most}` : title))
      .join(', ');
    return { backend, producer, opsets: lead.first.there.opsets };
  } catch (thrown) {
    await Promise.allSettled(there.map(({ backend }) => backend.close()));
    throw thrown;
  }
}

function choicesIn({ title, card }: LoadSource): readonly ChoiceCard[] {
  try {
    return choicesOf(card)!;
  } catch (thrown) {
    throw new Error(`${title}: ${asError(thrown).message}`, { cause: thrown });
  }
}

function titleOf({ kind, url }: ChoiceCard): string {
  return url === undefined ? kind : `${kind} at ${new URL(url).host}`;
}

function openOne(card: ChoiceCard, source: LoadSource, { remote, onnx }: ChoiceOptions): Promise<OpenedModel> {
  const { backends, ...rest } = source.card;
  return card.kind === 'onnx'
    ? onnx.open({ ...source, card: rest })
    : remote.open({ ...source, card: { ...rest, backend: card } });
}

function choiceOf(
  { card, title, first, open: openIt }: Found,
  signature: Signature,
  source: LoadSource,
  options: ChoiceOptions,
): Choice {
  const fit = async ({ backend }: OpenedModel) => {
    try {
      return fitted(backend, signature);
    } catch (thrown) {
      await backend.close();
      throw thrown;
    }
  };
  const slot = createSlot<Chosen>({
    first: 'there' in first ? { there: said(title, source, () => fitted(first.there.backend, signature)) } : first,
    open: async () => fit(await openIt()),
    onMissing: why => options.log.warn(`${source.title}: ${title} is missing: ${why}; the other backends answer`),
    retryMs: options.retryMs,
  });
  return { title, maxInstances: card.max_instances, slot };
}

function said<T>(title: string, { title: model }: LoadSource, act: () => T): T {
  try {
    return act();
  } catch (thrown) {
    throw new Error(`${model}: backends: ${title}: ${asError(thrown).message}`, { cause: thrown });
  }
}

/** @throws Misfit where it takes or gives something else than the others */
function fitted(backend: Chosen['backend'], { inputs, outputs }: Signature): Chosen {
  const own = backend.info.signature;
  return { backend, inputs: align('input', inputs, own.inputs), outputs: given(own.outputs, outputs) };
}

/** What it gives beside what is wanted is left out. */
function given(own: readonly TensorSpec[], wanted: readonly TensorSpec[]): Alignment {
  const named = wanted.map(({ name }) => own.find(output => output.name === name));
  const all = named.every(output => output !== undefined);
  if (!all && own.length !== wanted.length) throw new Misfit(`it gives ${own.map(({ name }) => name).join(', ')}`);
  return align('output', all ? (named as readonly TensorSpec[]) : own, wanted);
}

/** Rows of a slice of a server that was not there to be asked. */
const USUAL_ROWS = 64;

function infoOf({ backend }: OpenedModel, choices: readonly Choice[], wanted = Number.POSITIVE_INFINITY): BackendInfo {
  const here = choices.flatMap(choice => {
    const there = choice.slot.get();
    return there ? [{ there, most: mostOf(choice, there) }] : [];
  });
  const assumed = choices
    .filter(({ slot }) => slot.get() === undefined)
    .map(({ maxInstances = USUAL_ROWS }) => Math.min(maxInstances, wanted, USUAL_ROWS));
  const largest = here.reduce((best, each) => (each.most > best.most ? each : best));
  const rows = Math.max(largest.most, ...assumed);
  const { warmUpMs, maxBatchSize } = largest.there.backend.info;
  return {
    ...backend.info,
    placement: choices.length === 1 ? backend.info.placement : 'remote',
    maxBatchSize: rows,
    warmUpMs: (warmUpMs * rows) / maxBatchSize,
    memoryBytes: here.reduce((sum, { there }) => sum + there.backend.info.memoryBytes, 0),
  };
}
