import { stripVTControlCharacters } from 'node:util';

/** What differs from run to run: times, ids, hashes, figures, bars, and where a shown line breaks off. */
export function masked(line: string): string {
  return stripVTControlCharacters(line)
    .replace(/[▁▂▃▄▅▆▇█←]/g, '')
    .replace(/\b\d{4}-\d\d-\d\dT[\d:.]*Z?/g, 'TIME')
    .replace(/\+[0-9a-f]{8}\b/g, '+ID')
    .replace(/\b(?=\d*[a-f])[0-9a-f]{8,}\b/g, 'ID')
    .replace(/\d+(?:[.,]\d+)*(?:e-?\d+)?/g, '#')
    .replace(/(?<=#)(?: ?(?:µs|ms|s|min|h|KiB|MB))\b/g, '')
    .replace(/(?:\/(?:tmp|work|home|private|var)\/|…\/\.local)[^\s;,]*/g, 'PATH')
    .replace(/\s+/g, ' ')
    .trim();
}

/**
 * Where an output differs from what a page shows; undefined where it does not. `…` in a shown line stands for the rest of a word or line, a line of `…` alone for any number of
 * lines. Lines may come in another order: partitions are read side by side.
 */
export function differenceOf(shown: readonly string[], output: readonly string[]): string | undefined {
  const wanted = shown.map(masked).filter(line => line !== '');
  const left = output.map(masked).filter(line => line !== '');
  const isOpen = wanted.includes('…');
  const missing: string[] = [];
  for (const line of wanted.filter(each => each !== '…')) {
    const at = left.findIndex(each => patternOf(line).test(each));
    if (at < 0) missing.push(line);
    else left.splice(at, 1);
  }
  if (missing.length === 0 && (isOpen || left.length === 0)) return undefined;
  return [
    ...missing.map(line => `shown, and not said: ${line}`),
    ...left.map(line => `said, and not shown: ${line}`),
  ].join('\n');
}

function patternOf(line: string): RegExp {
  const parts = line.split('…').map(part => part.trim().replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`);
}
