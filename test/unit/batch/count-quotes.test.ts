import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { startsByQuotes } from '../../../src/batch/jobs/chain.ts';
import { csvTable, sums } from '../../support/batch.ts';

describe('the quotes of chunks', () => {
  const note = fc.oneof(
    fc.constantFrom('', 'plain', 'a "quoted" word', 'fake\n1,2,3,4\n5,6,7,8\n', '"""', '\n\n', 'Zoë', ','),
    fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '1') }),
  );
  const table = fc.record({
    notes: fc.array(note, { minLength: 1, maxLength: 30 }),
    newline: fc.constantFrom('\n', '\r\n'),
    lastNewline: fc.boolean(),
    cuts: fc.uniqueArray(fc.nat(3000), { minLength: 1, maxLength: 8 }),
  });

  it('tell where each begins, whatever stands in the texts, wherever it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(table, async ({ notes, newline, lastNewline, cuts }) => {
        const rows = notes.map((text, i) => `"${text.replaceAll('"', '""')}",1,k${i},2`);
        const csv = Buffer.from(['note,a,id,b', ...rows].join(newline) + (lastNewline ? newline : ''));
        const opened = await csvTable(sums, csv, { delimiter: ',' });
        const inner = cuts.map(cut => opened.from + 1 + (cut % (opened.to - opened.from - 1)));
        const bounds = [opened.from, ...[...new Set(inner)].sort((one, other) => one - other), opened.to];
        const chunks = bounds.length - 1;
        const counted = new Map<number, { start: number; end: number; rows: number }>();
        const read: number[] = [];
        for (let chunk = 0; chunk < chunks; chunk++) {
          const range = { from: bounds[chunk] as number, to: bounds[chunk + 1] as number };
          const { outside, inside, odd } = (await opened.quotes?.(range)) ?? { outside: -1, inside: -1, odd: false };
          counted.set(chunk, { start: outside, end: inside, rows: odd ? 1 : 0 });
          // Where one who reads from the first row on is, having passed the cut.
          const before = { from: opened.from, to: range.from, start: opened.from };
          read.push(chunk === 0 ? opened.from : (await opened.count(before)).end);
        }
        const file = { path: 'lake/in.csv', etag: '"1"', bytes: csv.length, from: opened.from, to: opened.to };
        const starts = startsByQuotes({ input: [{ ...file, first_chunk: 0, chunks }] }, counted);
        expect([...starts.values()]).toHaveLength(chunks);
        expect(read.map((_, chunk) => starts.get(chunk))).toEqual(read);
      }),
      { numRuns: 300 },
    );
  });
});
