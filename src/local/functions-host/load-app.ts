import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Registry } from './core-api.ts';
import { SetupError } from './errors.ts';
import type { HostLog } from './log.ts';
import { messageOf } from './log.ts';

/**
 * Loads every file that package.json's `main` matches, then runs the app-start hooks and asks the library for its
 * capabilities, as the Functions worker does.
 * @returns capabilities, e.g. `HttpUri` where the app streams HTTP.
 * @throws SetupError with the cause where a file cannot be loaded.
 */
export async function loadApp(folder: string, registry: Registry, log: HostLog): Promise<Record<string, string>> {
  for (const file of entryPoints(folder)) {
    log('debug', 'Host.Startup', `loading ${file}`);
    try {
      await import(pathToFileURL(join(folder, file)).href);
    } catch (error) {
      throw new SetupError(`loading ${file}: ${messageOf(error)}`, { cause: error });
    }
  }
  const hookData = {};
  for (const hook of registry.hooks.appStart) {
    await hook({ hookData, appHookData: registry.appHookData, functionAppDirectory: folder });
  }
  if (!registry.model) {
    throw new SetupError(
      `${join(folder, 'package.json')}: no file that "main" matches registers a function with @azure/functions`,
    );
  }
  const capabilities = (await registry.model.getCapabilities?.({})) ?? {};
  registry.sealed = true;
  return capabilities;
}

function entryPoints(folder: string): string[] {
  const path = join(folder, 'package.json');
  let main: unknown;
  try {
    ({ main } = JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    throw new SetupError(`${path} cannot be read: ${messageOf(error)}`);
  }
  if (typeof main !== 'string')
    throw new SetupError(`${path} needs "main": the files that register functions, as a glob`);
  const files = globSync(main, { cwd: folder }).sort();
  if (files.length === 0) throw new SetupError(`${path}: no file matches "main" (${main}); is the app built?`);
  return files;
}
