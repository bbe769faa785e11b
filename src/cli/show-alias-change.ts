import type { AliasChange } from '../models/deployment.ts';
import { productionVersion } from '../models/resolve-version.ts';
import type { StoredModel } from '../models/store.ts';
import { printable } from './printable.ts';

export interface Production {
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** What a change of aliases does to the version that answers where none is asked for. */
export function productionOf(
  { versions }: { readonly versions: Pick<StoredModel['versions'], 'keys'> },
  { before, after }: AliasChange,
): Production {
  const of = (aliases: AliasChange['before']) => productionVersion({ versions: [...versions.keys()], aliases });
  return { before: of(before), after: of(after) };
}

/** `production: 1.0.0 → 1.1.0, within 30 s`; an alias that stays where it was is not named. */
export function showAliasChange(change: AliasChange, production: Production, refreshSeconds: number): string[] {
  const names = [...new Set([...change.before.keys(), ...change.after.keys()])].filter(name => name !== 'production');
  const moves = names
    .map(name => ({ name, from: change.before.get(name), to: change.after.get(name) }))
    .filter(({ from, to }) => from !== to)
    .map(({ name, from, to }) => `${name}: ${from ?? 'nothing'} → ${to ?? 'nothing'}`);
  const { before, after } = production;
  const first =
    before === after
      ? `production stays ${after ?? 'nothing'}${change.before.has('production') || !change.after.has('production') ? '' : ', and is named so now'}`
      : `production: ${before ?? 'nothing'} → ${after ?? 'nothing'}`;
  return [first, ...moves]
    .map(printable)
    .map(text => (text.includes('→') ? `${text}, within ${refreshSeconds} s` : text));
}
