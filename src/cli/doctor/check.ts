import { ConfigurationError } from '../../core/errors.ts';
import { explainProblem } from '../problems.ts';

export type Level = 'ok' | 'warn' | 'fail';

/** One thing that was looked at. */
export interface Finding {
  readonly level: Level;
  /** What was found, in words. */
  readonly says: string;
  /** What to do; always there unless all is well. */
  readonly fix?: string;
}

/** Looks at one side of an installation, by trying it, and leaves nothing behind. What it throws is a failure too. */
export interface Check {
  readonly name: string;
  run(signal: AbortSignal): Promise<readonly Finding[]>;
}

export const ok = (says: string): Finding => ({ level: 'ok', says });
export const warn = (says: string, fix: string): Finding => ({ level: 'warn', says, fix });
export const fail = (says: string, fix: string): Finding => ({ level: 'fail', says, fix });

/** A failure while `doing`, with what to try next. */
export function failure(doing: string, thrown: unknown, level: 'warn' | 'fail' = 'fail'): Finding {
  if (thrown instanceof ConfigurationError) {
    const says = `${doing}: ${thrown.message.replace(/\s*\n\s*/g, ' ')}`;
    return {
      level,
      says,
      fix: 'Correct it in the environment or in local.settings.json; docs/settings.md has them all.',
    };
  }
  const [message = '', ...next] = explainProblem(thrown).split('\n');
  return {
    level,
    says: `${doing}: ${message}`,
    fix: next.join(' ') || 'Look at the message; docs/settings.md has every setting.',
  };
}
