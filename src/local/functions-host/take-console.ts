import { format } from 'node:util';
import type { HostLog } from './log.ts';

/** What functions write by the console becomes lines of the host's log, with time and level, as the real host has them. */
export function takeConsole(log: HostLog): void {
  const say =
    (level: Parameters<HostLog>[0]) =>
    (...words: unknown[]) =>
      log(level, 'Host.Function.Console', format(...words));
  console.log = say('information');
  console.info = say('information');
  console.debug = say('debug');
  console.warn = say('warning');
  console.error = say('error');
}
