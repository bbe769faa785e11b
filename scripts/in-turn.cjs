// `node scripts/in-turn.cjs SCRIPT… [-- argument…]`: npm scripts one after the other, up to the first that fails; further arguments are the last one's.
const { spawnSync } = require('node:child_process');
const { scripts } = require('../package.json');

const given = process.argv.slice(2);
const end = given.findIndex(word => !(word in scripts));
const names = end < 0 ? given : given.slice(0, end);
const args = end < 0 ? [] : given.slice(end);
for (const name of names) {
  const isLast = name === names[names.length - 1];
  const npm = ['run', '--silent', name, ...(isLast && args.length > 0 ? ['--', ...args] : [])];
  const { status } = spawnSync(process.execPath, [process.env.npm_execpath, ...npm], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
