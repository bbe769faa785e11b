import { RequestError } from '../../core/errors.ts';
import type { Feature } from '../../core/model.ts';
import type { TensorData, TensorSpec, TensorType } from '../../core/tensor.ts';
import type { Encoding, TextInput } from '../../core/tokenizer.ts';
import { type Block, DenseBlock, RaggedBlock } from './blocks.ts';
import { dataFor, mismatch, type Subject, toText } from './elements.ts';
import type { Field, InputPlan } from './input-plan.ts';

/** Characters of a text, at most: what the slowest of tokenizers takes a second for. */
const MAX_TEXT_LENGTH = 2 ** 16;

const NONE: Encoding = { ids: [], types: [] };

/**
 * How the inputs that are made of a text are filled: its ids by the feature that gives it, or by the second of a pair; the mask and the types then, of the same ids. By input's name.
 * @param pads rows of other lengths may share a run
 */
export function planText(
  text: TextInput,
  inputs: readonly TensorSpec[],
  features: readonly Feature[],
  model: string,
  pads: boolean,
): ReadonlyMap<string, InputPlan> {
  /** Of the row at hand, which is written in one go. */
  let last = NONE;
  const texts: string[] = [];
  const { tokenizer } = text;
  const plans = new Map<string, InputPlan>();
  const encode = (): void => {
    last = encoded(text, texts, model);
  };

  for (const spec of inputs) {
    const [, fixed = null] = spec.dims;
    const planOf = (padding: number, valueAt: (at: number) => number) => {
      const block = (rows: number): Block =>
        fixed === null ? new RaggedBlock(spec, pads ? padding : undefined) : new DenseBlock(spec, [fixed], rows);
      const write = (into: Block, row: number): void =>
        writeTokens(into, row, spec.type, last.ids.length, padding, valueAt);
      return { plan: { spec, tail: [], fields: [], plainLimit: undefined, block } satisfies InputPlan, write };
    };
    if (spec.name === text.ids) {
      const { plan, write } = planOf(tokenizer.padId, at => last.ids[at] as number);
      const fields = text.features.map((name, i): Field => {
        const subject = { what: features.length === 1 ? 'features' : `feature ${name}`, model };
        const fill = features.find(feature => feature.name === name)?.fill;
        return {
          name,
          tail: [],
          write(value, block, row) {
            texts[i] = textOf(Array.isArray(value) && value.length === 1 ? value[0] : value, fill, subject);
            if (i < text.features.length - 1) return;
            encode();
            write(block, row);
          },
        };
      });
      plans.set(spec.name, { ...plan, fields });
    } else if (spec.name === text.mask) {
      const { plan, write } = planOf(0, () => 1);
      plans.set(spec.name, { ...plan, make: write });
    } else if (spec.name === text.types) {
      const { plan, write } = planOf(0, at => last.types[at] as number);
      plans.set(spec.name, { ...plan, make: write });
    }
  }
  return plans;
}

/** @throws RequestError schema_mismatch that names the step, where a text has no ids */
function encoded({ tokenizer, features }: TextInput, [first = '', pair]: readonly string[], model: string): Encoding {
  const subject = { what: `feature ${features.join(', ')}`, model };
  try {
    const encoding = tokenizer.encode(first, pair);
    if (encoding.ids.length > 0) return encoding;
  } catch (thrown) {
    const cause = thrown as Error;
    const message = `tokenizer: feature ${features.join(', ')} ${cause.message}`;
    throw new RequestError('schema_mismatch', 'validate', message, { cause });
  }
  throw mismatch(subject, 'has no tokens', 'text that its tokenizer makes at least one of');
}

function textOf(value: unknown, fill: Feature['fill'], subject: Subject): string {
  const given = value ?? fill;
  if (given === undefined) throw mismatch(subject, 'is missing', 'a value for it, having none to fill in');
  const text = toText(given, subject);
  if (text.length <= MAX_TEXT_LENGTH) return text;
  throw mismatch(subject, `has ${text.length} characters`, `at most ${MAX_TEXT_LENGTH}`);
}

function writeTokens(
  block: Block,
  row: number,
  type: TensorType,
  count: number,
  padding: number,
  valueAt: (at: number) => number,
): void {
  const dense = block instanceof DenseBlock;
  const data: TensorData = dense ? block.data : dataFor(type, count);
  const start = dense ? row * block.width : 0;
  const size = dense ? block.width : count;
  const big = data instanceof BigInt64Array;
  for (let at = 0; at < size; at++) {
    const value = at < count ? valueAt(at) : padding;
    if (big) data[start + at] = BigInt(value);
    else (data as Int32Array)[start + at] = value;
  }
  if (!dense) (block as RaggedBlock).rows[row] = { dims: [count], data };
}
