import type { Paint } from './terminal.ts';

export interface Table {
  /** The first is of the rows' names. */
  readonly heads: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Columns of the terminal. */
  readonly width: number;
  /** Paints a cell, padded as it is. */
  readonly paintCell?: (text: string, row: number, column: number) => string;
}

const GAPS = [3, 2, 1];

/**
 * A table none of whose lines is wider than the terminal: names to the left, all else to the right. Where it has no room the columns move together, then heads
 * stand on several lines, a word each, and at last every row is a paragraph of its own.
 */
export function layTable(table: Table, paint: Paint): string[] {
  const { heads, rows, width, paintCell = text => text } = table;
  for (const stacked of [heads.map(head => [head]), heads.map(head => head.split(' '))]) {
    const widths = heads.map((_, column) => {
      const words = stacked[column] ?? [];
      return Math.max(...words.map(word => word.length), ...rows.map(row => row[column]?.length ?? 0));
    });
    const gap = GAPS.find(each => widths.reduce((sum, one) => sum + one + each, -each) <= width);
    if (gap === undefined) continue;
    const pad = (text: string, column: number) =>
      column === 0 ? text.padEnd(widths[0] ?? 0) : text.padStart((widths[column] ?? 0) + gap);
    const height = Math.max(...stacked.map(words => words.length));
    const headLines = Array.from({ length: height }, (_, line) =>
      stacked.map((words, column) => pad(words[line - height + words.length] ?? '', column)).join(''),
    );
    return [
      ...headLines.map(line => paint('dim', line)),
      ...rows.map((row, i) => row.map((text, column) => paintCell(pad(text, column), i, column)).join('')),
    ];
  }
  return rows.flatMap((row, i) => paragraph(table, row, i, paintCell));
}

/** `0: events 1,000, requests 1,200,` and so on, on as many lines as it takes. */
function paragraph(
  { heads, width }: Table,
  row: readonly string[],
  i: number,
  paintCell: NonNullable<Table['paintCell']>,
) {
  const lines: string[] = [];
  let line = paintCell(`${row[0]}:`, i, 0);
  let used = `${row[0]}:`.length;
  for (let column = 1; column < row.length; column++) {
    const text = `${heads[column]} ${row[column]}${column < row.length - 1 ? ',' : ''}`;
    if (used + 1 + text.length > width) {
      lines.push(line);
      line = ' ';
      used = 1;
    }
    line += ` ${paintCell(text, i, column)}`;
    used += 1 + text.length;
  }
  return [...lines, line];
}
