/** azd's hook before provisioning: whether what was set with `azd env set` fits the templates. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { faultsIn } from './parameters.ts';

const infra = resolve(import.meta.dirname, '../../infra');
const read = (name: string) => readFileSync(join(infra, name), 'utf8');
const faults = faultsIn(process.env, read('main.bicep'), read('main.parameters.json'));
for (const fault of faults) process.stderr.write(`${fault}\n`);
if (faults.length > 0) {
  process.stderr.write('nothing was deployed; put it right with azd env set (docs/deploy.md, Settings)\n');
  process.exitCode = 1;
}
