// Commands in a few files rather than a thousand: `scripts/build.cjs` calls it where something has changed.
import { resolve } from 'node:path';
import { bundleCommands } from './package/bundle.ts';

await bundleCommands(resolve(import.meta.dirname, '..'));
