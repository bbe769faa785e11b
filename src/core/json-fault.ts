/** Where a text stops being JSON, which V8 leaves out of many of its messages, and in words of ours: V8's quote the payload. */
export interface JsonFault {
  readonly position: number;
  /** What stands there, where it is something that other languages write; not quoted from the text. */
  readonly what: string | undefined;
}

/** The end of the whitespace, then one token. A text in quotes is taken in runs: an alternation for each character would need as many stack frames. */
const TOKEN =
  /([[{])|([\]}])|(,)|(:)|("[ !#-[\]-\uffff]*(?:\\(?:["\\/bfnrt]|u[\da-fA-F]{4})[ !#-[\]-\uffff]*)*")|((?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.+]))/y;
const SPACE = /[ \t\n\r]*/y;
const LITERAL = /[+-]?(?:NaN|Infinity|nan|inf|undefined|None|True|False)(?!\w)/y;

type Expected = 'value' | 'value or end' | 'key' | 'key or end' | 'colon' | 'comma or end' | 'nothing';

/** Undefined where the text is JSON. Walks the text with a stack of its own: a body may nest deeper than ours. */
export function jsonFault(text: string): JsonFault | undefined {
  const open: string[] = [];
  let expected: Expected = 'value';
  let comma = -1;
  for (let at = 0; ; ) {
    at = endOf(SPACE, text, at);
    if (at === text.length && expected === 'nothing') return undefined;
    TOKEN.lastIndex = at;
    const token = TOKEN.exec(text);
    if (token === null) return { position: at, what: literalAt(text, at) };
    const [whole, opens, closes, isComma, isColon, isText, isScalar] = token;
    const inObject = open.at(-1) === '{';
    if (closes !== undefined) {
      if (comma >= 0 && open.at(-1) === PAIRS[closes]) return { position: comma, what: 'a comma before the end' };
      if (!expected.endsWith('or end') || open.at(-1) !== PAIRS[closes]) return { position: at, what: undefined };
      open.pop();
      expected = open.length > 0 ? 'comma or end' : 'nothing';
    } else if (isComma !== undefined) {
      if (expected !== 'comma or end') return { position: at, what: undefined };
      expected = inObject ? 'key' : 'value';
    } else if (isColon !== undefined) {
      if (expected !== 'colon') return { position: at, what: undefined };
      expected = 'value';
    } else if (isText !== undefined && expected.startsWith('key')) {
      expected = 'colon';
    } else if (!expected.startsWith('value')) {
      return { position: at, what: undefined };
    } else if (opens !== undefined) {
      open.push(opens);
      expected = opens === '{' ? 'key or end' : 'value or end';
    } else if (isText !== undefined || isScalar !== undefined) {
      expected = open.length > 0 ? 'comma or end' : 'nothing';
    }
    comma = isComma === undefined ? -1 : at;
    at += whole.length;
  }
}

const PAIRS: Readonly<Record<string, string>> = { ']': '[', '}': '{' };

function endOf(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  pattern.exec(text);
  return pattern.lastIndex;
}

function literalAt(text: string, at: number): string | undefined {
  LITERAL.lastIndex = at;
  return LITERAL.exec(text)?.[0];
}

/** Why a text is no JSON, and what would be understood in its place; the payload is not quoted. @param what the text is, such as `body` */
export function whyNotJson(what: string, text: string): string {
  const fault = faultOf(text);
  if (fault === undefined) return `the ${what} is not JSON`;
  const place = `(position ${fault.position})`;
  if (fault.what === undefined) return `the ${what} is not JSON ${place}`;
  const instead = INSTEAD[fault.what.replace(/^[+-]/, '')];
  return `${fault.what} is no JSON ${place}${instead === undefined ? '' : `; ${instead(fault.what)} would be understood`}`;
}

/** A text of a million escapes is more than a regular expression has stack for. */
function faultOf(text: string): JsonFault | undefined {
  try {
    return jsonFault(text);
  } catch {
    return undefined;
  }
}

const asText = (literal: string) => `null or the text "${literal}"`;
const INSTEAD: Readonly<Record<string, (literal: string) => string>> = {
  NaN: asText,
  nan: asText,
  Infinity: asText,
  inf: asText,
  None: () => 'null',
  undefined: () => 'null',
  True: () => 'true',
  False: () => 'false',
};

const REPAIRED = /"[^"\\]*(?:\\[\s\S][^"\\]*)*"|[+-]?\b(?:NaN|Infinity)\b|,(?=\s*[\]}])/g;

/** The text with null for NaN and Infinity and without trailing commas: where it is JSON then, for what can be told of it, never to be scored. */
export function repairJson(text: string): string {
  return text.replace(REPAIRED, part => (part.startsWith('"') ? part : part === ',' ? ' ' : 'null'));
}
