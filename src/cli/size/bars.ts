const EIGHTHS = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const ROWS = 6;

/**
 * Values over time as columns of characters, the highest in each column's stretch; a column without values is empty.
 * @param xLabel under its left and right ends
 */
export function drawBars(
  title: string,
  values: readonly (number | null)[],
  columns: number,
  show: (value: number) => string,
  xLabel: readonly [string, string],
): string[] {
  const width = Math.min(columns, values.length);
  const highest = Math.max(...values.map(value => value ?? 0), 0);
  const heights = Array.from({ length: width }, (_, column) => {
    const from = Math.floor((column * values.length) / width);
    const until = Math.max(from + 1, Math.floor(((column + 1) * values.length) / width));
    const most = Math.max(...values.slice(from, until).map(value => value ?? 0));
    return highest === 0 ? 0 : Math.ceil((most / highest) * ROWS * 8);
  });
  const label = Math.max(show(highest).length, 1);
  const rows = Array.from({ length: ROWS }, (_, i) => {
    const base = (ROWS - 1 - i) * 8;
    const cells = heights.map(height => EIGHTHS[Math.max(0, Math.min(8, height - base))]).join('');
    const axis = i === 0 ? show(highest) : i === ROWS - 1 ? '0' : '';
    return ` ${axis.padStart(label)} │${cells}`.trimEnd();
  });
  const [left, right] = xLabel;
  return [
    ` ${title}`,
    ...rows,
    ` ${' '.repeat(label)} └${'─'.repeat(width)}`,
    ` ${' '.repeat(label)}  ${left}${right.padStart(Math.max(1, width - left.length))}`,
  ];
}
