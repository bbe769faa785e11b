import { newestFirst } from '../models/resolve-version.ts';
import { commandSettings } from './environment.ts';
import { openStore, readDeployed } from './model-room.ts';
import { paintFor, type Terminal } from './terminal.ts';

/** `hubscore models list`: every model, its versions, and which one is production. */
export async function listModels(terminal: Terminal, options: { readonly json?: boolean }): Promise<void> {
  const { signal, stdout, stderr } = terminal;
  const settings = commandSettings(terminal.environment, terminal.folder);
  const store = await openStore(settings);
  const { models, ignored } = await store.list(signal);
  const rows = await Promise.all(
    [...models.values()].map(async model => {
      const { aliases, production, problem } = await readDeployed(store, model, signal);
      return { name: model.name, versions: newestFirst([...model.versions.keys()]), production, aliases, problem };
    }),
  );
  rows.sort((a, b) => a.name.localeCompare(b.name));
  if (options.json) {
    for (const row of rows) stdout.write(`${JSON.stringify({ ...row, aliases: Object.fromEntries(row.aliases) })}\n`);
    return;
  }
  const paint = paintFor(stdout);
  const width = Math.max(5, ...rows.map(({ name }) => name.length));
  if (rows.length === 0) stdout.write('no models yet: `npx hubscore models push FILE` puts one there\n');
  for (const { name, versions, production, aliases } of rows) {
    const shown = versions.map(version => {
      const names = [...aliases].filter(([, to]) => to === version).map(([alias]) => alias);
      if (version === production && !names.includes('production')) names.unshift('production');
      const text = names.length > 0 ? `${version} (${names.join(', ')})` : version;
      return version === production ? paint('green', text) : text;
    });
    stdout.write(`${paint('cyan', name.padEnd(width))}  ${shown.join('  ')}\n`);
  }
  for (const { problem } of rows) if (problem) stderr.write(`${problem}; which version is production is not known\n`);
  for (const words of ignored) stderr.write(`${words}\n`);
}
