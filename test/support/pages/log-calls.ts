import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface LogCall {
  readonly file: string;
  /** What is logged, with `…` for what varies. */
  readonly text: string;
}

/** Every message that the code in `src` logs; not the commands', nor what stands in for Azure. */
export function logCalls(root: string): LogCall[] {
  const files = globSync('src/**/*.ts', { cwd: root }).filter(file => !/^src\/(cli|local)\//.test(file));
  return files.flatMap(file => {
    const source = readFileSync(join(root, file), 'utf8');
    return [...source.matchAll(/\blog\.(?:info|warn|error)\(/g)].map(({ index, 0: call }) => ({
      file,
      text: textAt(source, index + call.length),
    }));
  });
}

/** The argument that begins at `from`: its literals as they are, `…` for what else there is. */
function textAt(source: string, from: number): string {
  let text = '';
  let depth = 0;
  for (let at = from; at < source.length; at++) {
    const char = source[at];
    if (char === '`' || char === "'") {
      const literal = literalAt(source, at);
      if (depth === 0) text += literal.text;
      at = literal.end;
    } else if (char === '(') depth++;
    else if (char === ')' && depth-- === 0) break;
    else if (depth === 0 && /[\w.]/.test(char ?? '') && !text.endsWith('…')) text += '…';
  }
  return text;
}

function literalAt(source: string, start: number): { readonly text: string; readonly end: number } {
  const quote = source[start];
  let text = '';
  for (let at = start + 1; ; at++) {
    if (source[at] === quote) return { text, end: at };
    if (source[at] === '\\') text += source[++at];
    else if (quote === '`' && source.startsWith('${', at)) {
      at = endOfBraces(source, at + 2);
      text += '…';
    } else text += source[at];
  }
}

function endOfBraces(source: string, from: number): number {
  for (let at = from, depth = 0; ; at++) {
    if (source[at] === '`' || source[at] === "'") at = literalAt(source, at).end;
    else if (source[at] === '{') depth++;
    else if (source[at] === '}' && depth-- === 0) return at;
  }
}
