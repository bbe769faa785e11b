import type { Codec } from '../../core/codec.ts';
import type { Event } from '../../core/event.ts';
import { checkCount, MAX_REQUESTS_PER_EVENT, notJson, readOne } from '../event-json/event-json.ts';
import { NumberSource } from '../event-json/number-source.ts';
import { parseJson, readText } from '../text.ts';

const NEWLINE = 10;

/** Newline-delimited JSON: several lines of which the first looks like an object. A broken one among them is a dead letter of its own. */
export const ndjson: Codec = {
  name: 'ndjson',
  takes({ body }) {
    if (!body.includes(NEWLINE)) return false;
    const text = readText(body);
    // JSON that is spread over lines may begin like that, too.
    return hasLines(text) && parseJson(text) === undefined;
  },
  decode(event) {
    return linesOf(event).map(line => {
      const origin = { event, text: () => line, numbers: new NumberSource(line), index: undefined };
      const value = parseJson(line);
      return value === undefined ? notJson('line', line, origin) : readOne(value, origin);
    });
  },
};

function hasLines(text: string): boolean {
  const [first, second] = take(lines(text), 2);
  return first !== undefined && second !== undefined && /^\{.*\}$/.test(first.trim());
}

function linesOf({ body }: Event): string[] {
  const all = take(lines(readText(body)), MAX_REQUESTS_PER_EVENT + 1);
  checkCount(all.length);
  return all;
}

function take<T>(items: Iterable<T>, count: number): T[] {
  const taken: T[] = [];
  for (const item of items) if (taken.push(item) === count) break;
  return taken;
}

/** Lines that are not blank, one by one: a text can have millions. */
function* lines(text: string): Iterable<string> {
  for (let from = 0; from < text.length; ) {
    const newline = text.indexOf('\n', from);
    const to = newline < 0 ? text.length : newline;
    const line = text.slice(from, to);
    if (line.trim() !== '') yield line;
    from = to + 1;
  }
}
