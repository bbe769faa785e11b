import type { Settings } from '../config/settings.ts';
import { InfrastructureError, RequestError } from '../core/errors.ts';
import { parseCard } from '../models/card.ts';
import type { ModelCatalog } from '../models/catalog.ts';
import { newestFirst } from '../models/resolve-version.ts';
import { cardPath, type ModelStore, modelPath, type StoredModel } from '../models/store.ts';
import { commandSettings } from './environment.ts';
import { type Deployed, openStore, readDeployed } from './model-room.ts';
import { jsonLine, printable } from './printable.ts';
import { columnsOf, paintFor, type Terminal } from './terminal.ts';

interface Row extends Deployed {
  readonly name: string;
  readonly versions: readonly string[];
  /** Why the version that production names does not serve. */
  readonly broken: string | undefined;
}

/** `hubscore models list`: every model, its versions, and which one answers where none is asked for. */
export async function listModels(
  terminal: Terminal,
  options: { readonly json?: boolean; readonly load: boolean },
): Promise<void> {
  const { signal, stdout, stderr } = terminal;
  const settings = commandSettings(terminal.environment, terminal.folder);
  const store = await openStore(settings);
  const { models, ignored } = await store.list(signal);
  const read = await Promise.all(
    [...models.values()].map(async model => ({ model, deployed: await readDeployed(store, model, signal) })),
  );
  read.sort((a, b) => a.model.name.localeCompare(b.model.name));
  const rows = await judge(settings, store, read, options.load, signal);
  if (options.json) {
    for (const row of rows) stdout.write(`${jsonLine({ ...row, aliases: Object.fromEntries(row.aliases) })}\n`);
    return;
  }
  const paint = paintFor(stdout);
  const width = Math.max(5, ...rows.map(({ name }) => printable(name).length));
  if (rows.length === 0) stdout.write('no models yet: `npx hubscore models push FILE` puts one there\n');
  for (const { name, versions, production, aliases } of rows) {
    const shown = versions.map(version => {
      const names = [...aliases].filter(([, to]) => to === version).map(([alias]) => alias);
      const own = names.filter(alias => alias !== 'production' || version === production);
      if (version === production && !own.includes('production')) own.unshift('production');
      const text = own.length > 0 ? `${version} (${printable(own.join(', '))})` : version;
      return { text, painted: version === production ? paint('green', text) : text };
    });
    const lines = wrap(shown, columnsOf(stdout) - width);
    stdout.write(`${paint('cyan', printable(name).padEnd(width))}${lines.join(`\n${' '.repeat(width)}`)}\n`);
  }
  for (const { name, problem, broken, production } of rows) {
    if (problem !== undefined) stderr.write(`${printable(problem)}; which version is production is not known\n`);
    if (broken === undefined) continue;
    stderr.write(
      `${printable(`${name}: ${broken}; ${production === undefined ? 'nothing answers' : `${production} answers instead`}`)}\n`,
    );
  }
  for (const words of ignored) stderr.write(`${printable(words)}\n`);
}

/** Items two blanks apart, on as many lines as they take in that width; one that is wider stands alone. */
function wrap(items: readonly { readonly text: string; readonly painted: string }[], width: number): string[] {
  const lines: string[] = [];
  let used = 0;
  for (const { text, painted } of items) {
    const room = text.length + 2;
    if (lines.length === 0 || used + room > width) {
      lines.push('');
      used = 0;
    }
    lines[lines.length - 1] += `  ${painted}`;
    used += room;
  }
  return lines;
}

interface Read {
  readonly model: StoredModel;
  readonly deployed: Deployed;
}

/** What was not tried when it was pushed is tried now, as the app does: a version that does not load is not production. */
async function judge(
  settings: Settings,
  store: ModelStore,
  read: readonly Read[],
  load: boolean,
  signal: AbortSignal,
): Promise<Row[]> {
  const untried = new Set<StoredModel>();
  if (load) {
    await Promise.all(
      read.map(async ({ model, deployed }) => {
        if (deployed.problem !== undefined) return; // nobody is answered before it is mended
        if (!(await wasTried(store, model, deployed.production, signal))) untried.add(model);
      }),
    );
  }
  const row = ({ model, deployed }: Read, found: Pick<Row, 'production' | 'broken'>): Row => ({
    ...deployed,
    name: model.name,
    versions: newestFirst([...model.versions.keys()]),
    ...found,
  });
  const asDeployed = (each: Read) => row(each, { production: each.deployed.production, broken: undefined });
  if (untried.size === 0) return read.map(asDeployed);
  const { withCatalog } = await import('./with-catalog.ts');
  const errors: string[] = [];
  const log = { info() {}, warn() {}, error: (message: string) => void errors.push(message) };
  return withCatalog(settings, store, { log, signal }, async catalog => {
    await catalog.list(); // what it says of files that cannot be read was said above
    const rows: Row[] = [];
    for (const each of read) {
      signal.throwIfAborted();
      errors.length = 0;
      rows.push(untried.has(each.model) ? row(each, await serving(catalog, each, errors)) : asDeployed(each));
    }
    return rows;
  });
}

/** `models push` tries what it puts there, and says the hash of it; a card that cannot be read is told from its text. */
async function wasTried(
  store: ModelStore,
  model: StoredModel,
  production: string | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  const stored = model.versions.get(production ?? '');
  if (!stored) return false;
  try {
    const { metadata } = await store.properties(modelPath(stored), signal);
    if (metadata.sha256 === undefined) return false;
    if (stored.cardEtag === undefined) return true;
    const path = cardPath(stored);
    return parseCard((await store.readText(path, signal)).text, path).sha256 === metadata.sha256;
  } catch (thrown) {
    if (thrown instanceof InfrastructureError) throw thrown;
    return false;
  }
}

async function serving(
  catalog: ModelCatalog,
  { model: { name }, deployed }: Read,
  errors: readonly string[],
): Promise<Pick<Row, 'production' | 'broken'>> {
  const reason = () => (errors.length > 0 ? errors.join('; ') : undefined);
  try {
    const routing = await catalog.routing(name, undefined);
    const { version } = routing.route ?? routing.production;
    const own = version.name === name ? version.version : `${version.name} ${version.version}`;
    const isOther = own !== deployed.production;
    return {
      production: own,
      broken: reason() ?? (isOther ? `${name} ${deployed.production} is not there` : undefined),
    };
  } catch (thrown) {
    if (!(thrown instanceof RequestError)) throw thrown;
    return { production: undefined, broken: reason() ?? thrown.message };
  }
}
