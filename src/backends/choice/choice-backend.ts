import {
  type Backend,
  type BackendInfo,
  type BackendStatus,
  type PredictOptions,
  statusOf,
} from '../../core/backend.ts';
import { RequestError } from '../../core/errors.ts';
import type { Tensors } from '../../core/tensor.ts';
import { concat, rowsOf, split } from '../merge-tensors.ts';
import { type Alignment, aligned } from '../several/align.ts';
import { createRunning } from '../several/running.ts';
import type { Slot } from '../several/slot.ts';

/** A backend that is there. */
export interface Chosen {
  readonly backend: Backend;
  /** How what all are given is given to it, and what it gives as all give it. */
  readonly inputs: Alignment;
  readonly outputs: Alignment;
}

export interface Choice {
  /** `open-inference at models.example.com`; of the model file `onnx`. */
  readonly title: string;
  readonly maxInstances: number | undefined;
  readonly slot: Slot<Chosen>;
}

/** Of several backends of one model the first that takes a batch so large and is not away. */
export function createChoiceBackend(title: string, choices: readonly Choice[], info: BackendInfo): Backend {
  const running = createRunning(title, async () => {
    for (const { slot } of choices) await (await slot.close())?.backend.close();
  });

  async function predict(inputs: Tensors, options: PredictOptions): Promise<Tensors> {
    const rows = rowsOf(inputs);
    const reasons: string[] = [];
    for (const { choice, there, pieces } of inTurn(choices, rows, reasons)) {
      try {
        return await ask(there, inputs, pieces, options);
      } catch (thrown) {
        if (!(thrown instanceof RequestError) || thrown.code !== 'model_unavailable') throw thrown;
        options.signal?.throwIfAborted();
        reasons.push(`${choice.title}: ${thrown.message}`);
      }
    }
    throw new RequestError('model_unavailable', 'infer', `${title}: no backend is there: ${reasons.join('; ')}`);
  }

  return {
    info,
    load: async () => info,
    predict: (inputs, options = {}) =>
      running.run(() => {
        options.signal?.throwIfAborted();
        return predict(inputs, options);
      }),
    get status() {
      return statusOfAll(choices);
    },
    close: running.close,
  };
}

interface Turn {
  readonly choice: Choice;
  readonly there: Chosen;
  /** Rows of each piece, where it takes no batch so large. */
  readonly pieces: readonly number[] | undefined;
}

/** Those that take a batch so large; then, where none of them is there, those that take it in pieces, the fewest first. */
function inTurn(choices: readonly Choice[], rows: number, reasons: string[]): Turn[] {
  const whole: Turn[] = [];
  const less: (Turn & { readonly most: number })[] = [];
  for (const choice of choices) {
    const there = choice.slot.get();
    if (there === undefined) {
      reasons.push(`${choice.title}: ${choice.slot.reason ?? 'away'}`);
      continue;
    }
    const most = mostOf(choice, there);
    if (rows <= most) whole.push({ choice, there, pieces: undefined });
    else less.push({ choice, there, pieces: piecesOf(rows, most), most });
  }
  return [...whole, ...less.sort((one, other) => other.most - one.most)];
}

export function mostOf(
  { maxInstances = Number.POSITIVE_INFINITY }: Pick<Choice, 'maxInstances'>,
  { backend }: Chosen,
): number {
  return Math.min(maxInstances, backend.info.maxBatchSize);
}

function piecesOf(rows: number, most: number): number[] {
  return Array.from({ length: Math.ceil(rows / most) }, (_, i) => Math.min(most, rows - i * most));
}

async function ask(
  { backend, inputs: given, outputs: wanted }: Chosen,
  inputs: Tensors,
  pieces: readonly number[] | undefined,
  options: PredictOptions,
): Promise<Tensors> {
  const own = aligned(given, inputs);
  const parts = pieces && split(own, pieces);
  if (parts === undefined) return aligned(wanted, await backend.predict(own, options));
  const answers: Tensors[] = [];
  for (const part of parts) answers.push(aligned(wanted, await backend.predict(part, options)));
  return concat(answers);
}

function statusOfAll(choices: readonly Choice[]): BackendStatus {
  const parts = choices.map(({ title, maxInstances, slot }) => {
    const many = maxInstances === undefined ? 'any number of instances' : `up to ${maxInstances} instances`;
    const there = slot.get();
    if (there !== undefined) return { title: many, ...statusOf(there.backend) };
    const [kind = '', at = ''] = title.split(' at ');
    return { title: many, kind, at, state: 'away' as const, ...(slot.reason && { reason: slot.reason }) };
  });
  const first = parts.find(({ state }) => state === 'up');
  const away = parts
    .filter(({ state }) => state === 'away')
    .map(({ kind, at, reason }) => `${kind} ${at}: ${reason ?? 'away'}`);
  const at = first === undefined ? '' : `${first.kind} at ${first.at}`;
  return {
    kind: 'backends',
    at,
    state: first ? 'up' : 'away',
    ...(away.length > 0 && { reason: away.join('; ') }),
    parts,
  };
}
