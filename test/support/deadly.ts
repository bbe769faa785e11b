import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/** First values of rows that crash or hang the process they run in, where it was started with `DEADLY_RUNS`. */
export const DEADLY = { crash: 66601, hang: 66602 } as const;

/** For NODE_OPTIONS. */
export const DEADLY_RUNS = `--import ${pathToFileURL(resolve(import.meta.dirname, 'deadly-runs.ts')).href}`;
