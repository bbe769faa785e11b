import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import type { PartitionVerdict } from '../../src/ledger/verify.ts';

const PROGRAM = resolve(import.meta.dirname, '../../bin/hubscore.js');

/** What the product itself says of a run. */
export interface Verified {
  readonly exitCode: number | null;
  readonly missing: number;
  readonly repeated: number;
  readonly outOfOrder: number;
  readonly errors: string;
}

/** `hubscore verify` as an operator runs it, built. */
export async function hubscoreVerify(connectionString: string, storage: string): Promise<Verified> {
  const child = spawn(process.execPath, [PROGRAM, 'verify', '--json'], {
    env: { ...process.env, EventHubs: connectionString, ModelStorage: storage, AzureWebJobsStorage: storage },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [said, errors, [exitCode]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  const verdicts = said
    .split('\n')
    .filter(Boolean)
    .map(line => JSON.parse(line) as PartitionVerdict);
  const sum = (fault: 'missing' | 'repeated' | 'outOfOrder') =>
    verdicts.reduce((total, verdict) => total + verdict[fault].count, 0);
  return { exitCode, missing: sum('missing'), repeated: sum('repeated'), outOfOrder: sum('outOfOrder'), errors };
}
