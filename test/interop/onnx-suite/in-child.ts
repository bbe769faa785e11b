import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { Verdict } from './score-model.ts';
import type { SuiteModel } from './suite.ts';

/** A model that takes longer holds up everything else that its process does. */
const TIMEOUT_MS = 60_000;

/** Scores models in a process of its own, which is started anew where one took it along. */
export class ChildScorer {
  #child: ChildProcess | undefined;

  async score(model: SuiteModel): Promise<Verdict> {
    this.#child ??= fork(join(import.meta.dirname, 'child.ts'), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    const child = this.#child;
    const timer = setTimeout(() => child.kill('SIGKILL'), TIMEOUT_MS);
    try {
      return await new Promise<Verdict>(resolve => {
        child.removeAllListeners();
        child.once('message', resolve);
        child.once('exit', (code, signal) => {
          this.#child = undefined;
          resolve({ verdict: 'dead', why: `its process ended: ${signal ?? code}` });
        });
        child.send(model);
      });
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    this.#child?.kill();
  }
}
