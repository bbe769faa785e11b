import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** As the Functions app asks for in infra/function-app.bicep. */
const VERSION = '22';

/** The Node that Azure Functions runs the app on, as an npm package kept under .local; this one where it is that. @returns its path. */
export function node22(): string {
  if (process.versions.node.startsWith(`${VERSION}.`)) return process.execPath;
  const folder = resolve(import.meta.dirname, '../../.local/node-22');
  const node = join(folder, 'node_modules/node/bin/node');
  if (!existsSync(node)) {
    mkdirSync(folder, { recursive: true });
    execFileSync('npm', [
      'install',
      '--prefix',
      folder,
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
      `node@${VERSION}`,
    ]);
  }
  return node;
}
