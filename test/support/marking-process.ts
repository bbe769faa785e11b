import { openMarks } from '../../src/apart/marks.ts';

// Marks what it is told to in a folder, says so, and lives until it is killed.
const [folder = '', ...ranges] = process.argv.slice(2);
const lines: string[] = [];
const say = (line: string) => void lines.push(line);
const marks = openMarks(folder, { info: say, warn: say, error: say });
for (const range of ranges) {
  const [partition, first, last] = range.split(':');
  if (partition === 'http') marks.slot(undefined).enter(0, 0);
  else marks.slot(partition).enter(Number(first), Number(last));
}
process.stdout.write(`${JSON.stringify({ found: marks.found, lines })}\n`);
setInterval(() => {}, 60_000);
