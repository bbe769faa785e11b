import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const ROOT = resolve(import.meta.dirname, '../../..');

export function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** Every Bicep file by its path. */
export function bicepFiles(): ReadonlyMap<string, string> {
  const paths = globSync(['infra/*.bicep', 'deploy/*.bicep'], { cwd: ROOT }).sort();
  return new Map(paths.map(path => [path, read(path)]));
}

/** `{ name: 'X', value: … }` entries of a Bicep file: what is given for each name, as it stands there. */
export function settingsIn(bicep: string): ReadonlyMap<string, string> {
  const entries = bicep.matchAll(/\{ name: '(\w+)', value: (.+) \}$/gm);
  return new Map([...entries].map(([, name, value]) => [name as string, value as string]));
}

export interface Resource {
  readonly symbol: string;
  readonly type: string;
  readonly body: string;
}

/** Resources that a file declares; existing ones left out. */
export function resourcesIn(bicep: string): Resource[] {
  const declarations = bicep.matchAll(/^resource (\w+) '([\w./]+)@[\w-]+' = .*\{\n([\s\S]*?)^[}\]]/gm);
  return [...declarations].map(([, symbol, type, body]) => ({
    symbol: symbol as string,
    type: type as string,
    body: body as string,
  }));
}

/** Parameters that a file takes, with whether they have a default. */
export function parametersIn(bicep: string): ReadonlyMap<string, boolean> {
  const parameters = bicep.matchAll(/^param (\w+) \w+( =)?/gm);
  return new Map([...parameters].map(([, name, fallback]) => [name as string, fallback !== undefined]));
}

/** A property's text in a resource's body. */
export function property(body: string, name: string): string | undefined {
  return new RegExp(`^\\s*${name}: (.+)$`, 'm').exec(body)?.[1];
}
