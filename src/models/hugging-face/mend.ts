import { type SplitBehavior, splitText } from './split.ts';

/** A step of the library, whose own way can be replaced. */
interface Step {
  readonly config?: Readonly<Record<string, unknown>>;
  normalize?(text: string): string;
  pre_tokenize_text?(text: string, options?: unknown): string[];
  pattern?: unknown;
  readonly normalizers?: readonly (Step | null)[];
  readonly tokenizers?: readonly (Step | null)[];
}

/** What takes a step's place. @param step the library's own, its pattern included */
type Mend = (config: Readonly<Record<string, unknown>>, step: Step) => Partial<Step> | undefined;

const WHITE_SPACE = /\p{White_Space}/u;
const PUNCTUATION = /[\p{P}!-/:-@[-`{-~]/gu;

/**
 * Steps of the library that give other ids than Python's tokenizers do, by their type in tokenizer.json: JavaScript lowers a last sigma to another one, takes a byte order mark for a blank and
 * a next-line character for none, \w and \d for ASCII alone, and UTF-16 units for characters.
 */
const MENDS: Readonly<Record<string, Mend>> = {
  BertNormalizer: config => ({ normalize: text => bertNormalized(text, config) }),
  Lowercase: () => ({ normalize: lowered }),
  Strip: ({ strip_left: left, strip_right: right }) => ({
    normalize: text =>
      text.replace(left ? /^\p{White_Space}+/u : '', '').replace(right ? /\p{White_Space}+$/u : '', ''),
  }),
  BertPreTokenizer: () => ({
    pre_tokenize_text: text =>
      splitText(text, /\p{White_Space}/gu, 'Removed').flatMap(word => splitText(word, PUNCTUATION, 'Isolated')),
  }),
  ByteLevel: () => ({
    pattern:
      /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu,
  }),
  Whitespace: () => ({
    pre_tokenize_text: text =>
      text.match(
        /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]+|[^\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}\p{White_Space}]+/gu,
      ) ?? [],
  }),
  WhitespaceSplit: () => ({ pre_tokenize_text: text => splitText(text, /\p{White_Space}/gu, 'Removed') }),
  Metaspace({ split, replacement = '\u2581' }, step) {
    if (split === false) return undefined;
    const whole = step.pre_tokenize_text?.bind(step);
    const mark = new RegExp(String(replacement), 'gu');
    return {
      pre_tokenize_text: (text, options) =>
        (whole?.(text, options) ?? []).flatMap(piece => splitText(piece, mark, 'MergedWithNext')),
    };
  },
  Punctuation: ({ behavior = 'Isolated' }) => ({
    pre_tokenize_text: text => splitText(text, PUNCTUATION, behavior as SplitBehavior),
  }),
  Digits: ({ individual_digits: single }) => ({
    pre_tokenize_text: text => splitText(text, /\p{N}/gu, single ? 'Isolated' : 'Contiguous'),
  }),
  Split: ({ behavior, invert }, { pattern }) => ({
    pre_tokenize_text: text => splitText(text, pattern as RegExp, behavior as SplitBehavior, invert === true),
  }),
};

/** Replaces what differs, in place, of a normalizer or a pre-tokenizer and all that it consists of. @param config as tokenizer.json has it */
export function mend(step: object | null, config: unknown): void {
  if (step === null || typeof config !== 'object' || config === null) return;
  const { type, ...rest } = config as Readonly<Record<string, unknown>>;
  const replaced = MENDS[String(type)]?.(rest, step as Step);
  if (replaced !== undefined) Object.assign(step, replaced);
  const parts = (step as Step).normalizers ?? (step as Step).tokenizers ?? [];
  const configs = (rest.normalizers ?? rest.pretokenizers ?? []) as readonly unknown[];
  for (const [i, part] of parts.entries()) mend(part, configs[i]);
}

/** Character by character: of a whole text JavaScript makes the last sigma of a word another one. */
function lowered(text: string): string {
  return text.includes('\u03a3') ? Array.from(text, character => character.toLowerCase()).join('') : text.toLowerCase();
}

function bertNormalized(text: string, config: Readonly<Record<string, unknown>>): string {
  const { clean_text, handle_chinese_chars, strip_accents, lowercase } = config;
  let normalized = text;
  if (clean_text !== false) normalized = cleaned(normalized);
  if (handle_chinese_chars !== false) normalized = normalized.replace(IDEOGRAPH, ' $& ');
  if (strip_accents ?? lowercase) normalized = normalized.normalize('NFD').replace(/\p{Mn}/gu, '');
  return lowercase ? lowered(normalized) : normalized;
}

/** Of the CJK blocks that BERT's tokenizer names. */
const IDEOGRAPH =
  /[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\u{2f800}-\u{2fa1f}]/gu;
const UNWANTED = /[\0\ufffd]|(?![\t\n\r])[\p{Cc}\p{Cf}\p{Co}]/gu;

function cleaned(text: string): string {
  return text.replace(UNWANTED, '').replace(new RegExp(WHITE_SPACE, 'gu'), ' ');
}
