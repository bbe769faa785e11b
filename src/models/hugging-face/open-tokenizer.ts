import type { Encoding, Tokenizer } from '../../core/tokenizer.ts';
import { charsmapNormalizer } from './charsmap.ts';
import { mend } from './mend.ts';

/** What is read of a tokenizer.json beside what the library reads. */
export interface TokenizerFile {
  readonly normalizer?: unknown;
  readonly pre_tokenizer?: unknown;
  readonly post_processor?: unknown;
  readonly truncation?: { readonly max_length?: number; readonly direction?: string } | null;
  readonly padding?: { readonly pad_id?: number } | null;
}

/** What tokenizers without a word about it are given. */
const MAX_LENGTH = 512;
/** Of a long text its beginning is enough where it has that many tokens more than are kept: what follows changes the last words alone. */
const [MARGIN_TOKENS, MARGIN_CHARACTERS, CHARACTERS_A_TOKEN] = [256, 4_096, 16];
const PADS = ['[PAD]', '<pad>', '<PAD>', '<|endoftext|>'];

/** @param maxLength of ids; undefined: as the file says, else 512. @throws Error where the marks around a text alone are more */
export type TokenizerOf = (maxLength: number | undefined) => Tokenizer;

/**
 * Opens a tokenizer.json of Hugging Face, whose ids are those of Python's tokenizers.
 * @throws Error where the file is none, or has a step that is not known.
 */
export async function openTokenizer(file: TokenizerFile): Promise<TokenizerOf> {
  const { Tokenizer: Library } = await import('@huggingface/tokenizers');
  const plain = withoutCharsmaps(file);
  const library = new Library(plain as unknown as ConstructorParameters<typeof Library>[0], {});
  mend(library.normalizer, plain.normalizer);
  mend(library.pre_tokenizer, file.pre_tokenizer);
  setCharsmaps(library.normalizer, file.normalizer);
  const fromLeft = file.truncation?.direction === 'Left';
  const cut = (tokens: readonly string[], length: number) =>
    tokens.length <= length ? tokens : fromLeft ? tokens.slice(-length) : tokens.slice(0, length);

  /** With what stands around them: the marks of a beginning, a middle and an end. */
  function finish(first: readonly string[], second: readonly string[] | undefined) {
    const given = second === undefined ? null : [...second];
    const { tokens, token_type_ids, tokens_pair } = (library.post_processor?.post_process([...first], given, true) ?? {
      tokens: [...first],
      tokens_pair: given,
    }) as { tokens: string[]; token_type_ids?: number[]; tokens_pair?: string[] | null };
    const more = tokens_pair ?? [];
    const types = token_type_ids ?? new Array<number>(tokens.length).fill(0);
    return { tokens: [...tokens, ...more], types: [...types, ...new Array<number>(more.length).fill(1)] };
  }

  const isOneType = typeOf(file.post_processor) === 'RobertaProcessing';
  const around = [finish([], undefined), finish([], [])].map(({ tokens }) => tokens.length) as [number, number];
  const padId = file.padding?.pad_id ?? PADS.map(pad => library.token_to_id(pad)).find(id => id !== undefined) ?? 0;

  /** All tokens, or as many of a long text's as can be kept, and more: the time that a text takes then hangs on what is kept of it. */
  function tokenize(text: string, longest: number): readonly string[] {
    const enough = longest * CHARACTERS_A_TOKEN + MARGIN_CHARACTERS;
    if (text.length > enough && !fromLeft) {
      const tokens = library.tokenize(text.slice(0, enough));
      if (tokens.length >= longest + MARGIN_TOKENS) return tokens;
    }
    return library.tokenize(text);
  }

  function encode(text: string, pair: string | undefined, longest: number): Encoding {
    const first = tokenize(text, longest);
    const second = pair === undefined ? undefined : tokenize(pair, longest);
    const room = longest - around[pair === undefined ? 0 : 1];
    const [lengthOfFirst, lengthOfSecond] = shares(first.length, second?.length ?? 0, room);
    const { tokens, types } = finish(cut(first, lengthOfFirst), second && cut(second, lengthOfSecond));
    const ids = tokens.map(token => library.token_to_id(token) ?? library.model.unk_token_id);
    if (ids.includes(undefined)) throw new Error('has a part that its tokenizer has no id for');
    return { ids: ids as number[], types: isOneType ? new Array<number>(ids.length).fill(0) : types };
  }

  return (maxLength = file.truncation?.max_length ?? MAX_LENGTH) => {
    const marks = Math.max(...around);
    if (marks > maxLength) throw new Error(`max_length: expected at least ${marks}, came ${maxLength}`);
    return { maxLength, padId, encode: (text, pair) => encode(text, pair, maxLength) };
  };
}

/** How many tokens of each of two texts there is room for: the longer one is cut first. */
function shares(first: number, second: number, room: number): readonly [number, number] {
  if (first + second <= room) return [first, second];
  if (second === 0) return [room, 0];
  const shorter = Math.min(first, second);
  // Where the shorter one leaves less than as much again, both are cut to halves.
  const longer = Math.max(shorter, room - shorter);
  const [less, more] =
    shorter > room || shorter + longer > room ? [Math.floor(room / 2), Math.ceil(room / 2)] : [shorter, longer];
  return first <= second ? [less, more] : [more, less];
}

type Steps = Readonly<Record<string, unknown>> | null | undefined;

const typeOf = (step: unknown) => (step as Steps)?.type;

/** The library reads no charsmap, but guesses what it says: an empty step stands in for it. */
function withoutCharsmaps(file: TokenizerFile): TokenizerFile {
  const without = (step: unknown): unknown => {
    if (typeOf(step) === 'Precompiled') return { type: 'Sequence', normalizers: [] };
    const parts = (step as Steps)?.normalizers;
    return Array.isArray(parts) ? { ...(step as object), normalizers: parts.map(without) } : (step ?? null);
  };
  return { ...file, normalizer: without(file.normalizer) };
}

function setCharsmaps(step: object | null, config: unknown): void {
  if (step === null) return;
  const { precompiled_charsmap: charsmap, normalizers } = config as Readonly<Record<string, unknown>>;
  if (typeOf(config) === 'Precompiled' && typeof charsmap === 'string')
    Object.assign(step, { normalize: charsmapNormalizer(charsmap) });
  const parts = (step as { normalizers?: readonly (object | null)[] }).normalizers ?? [];
  if (Array.isArray(normalizers)) for (const [i, part] of parts.entries()) setCharsmaps(part, normalizers[i]);
}
