import { asError } from '../../core/errors.ts';
import type { Signature } from '../../core/tensor.ts';
import type { TextInput } from '../../core/tokenizer.ts';
import type { RawCard } from '../card.ts';
import type { TextFiles } from './text-files.ts';

/** What exports of Transformers call their inputs. */
const [IDS, MASK, TYPES] = ['input_ids', 'attention_mask', 'token_type_ids'];

/**
 * Which inputs of a model are made of a text, and how.
 * @param files undefined where no tokenizer lies beside it
 * @returns undefined where it takes none. @throws Error where the card's `tokenizer` does not fit the model, or its golden texts have other ids.
 */
export function bindText(
  raw: RawCard['tokenizer'],
  files: TextFiles | undefined,
  { inputs }: Signature,
  file: string,
): TextInput | undefined {
  if (files === undefined) return undefined;
  const ids = inputs.find(({ name }) => name === (raw?.input ?? IDS));
  const names = inputs.map(({ name }) => name);
  if (ids === undefined) {
    if (raw === undefined) return undefined;
    throw new Error(
      `${file}: tokenizer.input: expected one of the model's inputs (${names.join(', ')}), came ${raw.input ?? IDS}`,
    );
  }
  if (ids.dims.length !== 2 || !/^int(32|64)$/.test(ids.type))
    throw new Error(`${file}: tokenizer: expected input ${ids.name} to take whole numbers, texts by tokens`);
  const [, length = null] = ids.dims;
  const asked = raw?.max_length ?? files.maxLength;
  const named = (wanted: string) => names.find(name => name === wanted);
  const features = [raw?.text ?? 'text', ...(raw?.pair === undefined ? [] : [raw.pair])];
  if (features[0] === features[1])
    throw new Error(`${file}: tokenizer.pair: expected another name than ${features[0]}`);
  try {
    const tokenizer = files.tokenizerOf(length === null ? asked : Math.min(length, asked ?? length));
    const text = { tokenizer, features, ids: ids.name, mask: named(MASK as string), types: named(TYPES as string) };
    checkGolden(raw?.golden ?? [], text);
    return text;
  } catch (thrown) {
    throw new Error(`${file}: tokenizer.${asError(thrown).message}`, { cause: thrown });
  }
}

type Golden = NonNullable<NonNullable<RawCard['tokenizer']>['golden']>;

function checkGolden(golden: Golden, { tokenizer }: TextInput): void {
  for (const [i, { text, pair, ids: expected }] of golden.entries()) {
    const { ids } = tokenizer.encode(text, pair);
    const place = Array.from({ length: Math.max(ids.length, expected.length) }, (_, at) => at).find(
      at => ids[at] !== expected[at],
    );
    if (place === undefined) continue;
    const [wanted, came] = [expected[place] ?? 'none', ids[place] ?? 'none'];
    throw new Error(`golden[${i}]: expected the id ${wanted} at place ${place}, came ${came}`);
  }
}
