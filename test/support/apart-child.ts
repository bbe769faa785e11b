import { setTimeout as sleep } from 'node:timers/promises';
import type { Asked, Given } from '../../src/apart/protocol.ts';
import { sendEndings } from '../../src/apart/wire.ts';
import { ScoredBatch } from '../../src/core/scored-batch.ts';
import { serveParent } from '../../src/processes/serve-parent.ts';

// Scores without a model, and does what events say: `crash`, `hang`, `eat`, `away`, `throw`, `wait`. What it answers names the process.
const eaten: Buffer[] = [];

serveParent<Asked, Given>(async asked => {
  if (process.env.NEVER_READY) process.exit(7);
  if (asked.kind === 'ready') return { kind: 'ready' };
  const { batch } = asked;
  const outcomes = [];
  for (const event of batch.events) {
    const word = event.body.toString();
    if (word === 'crash') process.kill(process.pid, 'SIGSEGV');
    while (word === 'crash' || word === 'hang');
    for (let bites = 0; word === 'eat' && bites < 30; bites++) {
      eaten.push(Buffer.alloc(10_000_000, 1));
      await sleep(5);
    }
    if (word === 'wait') await sleep(10_000);
    if (word === 'away') return { kind: 'away', message: 'storage is away' };
    if (word === 'throw') throw new Error('out of luck');
    outcomes.push({
      kind: 'result' as const,
      event,
      resultId: '',
      requestId: undefined,
      model: 'echo',
      modelVersion: '1.0.0',
      variant: undefined,
      body: Buffer.from(`${process.pid} ${word}`),
      code: undefined,
      latencyMs: 1,
    });
  }
  return { kind: 'scored', endings: sendEndings(ScoredBatch.of(batch, outcomes)) };
});
