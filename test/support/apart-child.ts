import { setTimeout as sleep } from 'node:timers/promises';
import type { Asked, Given } from '../../src/apart/protocol.ts';
import { sendEndings } from '../../src/apart/wire-endings.ts';
import type { SentRequest } from '../../src/apart/wire-predictions.ts';
import { ScoredBatch } from '../../src/core/scored-batch.ts';
import { serveParent } from '../../src/processes/serve-parent.ts';

// Scores without a model, and does what events say: `crash`, `hang`, `eat`, `away`, `throw`, `wait`. What it answers names the process.
const eaten: Buffer[] = [];

serveParent<Asked, Given>(async asked => {
  if (process.env.NEVER_READY) process.exit(7);
  if (asked.kind === 'ready') return { kind: 'ready' };
  if (asked.kind === 'predict') return predict(asked.request);
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

/** Answers with what the features are, or does what they say. */
async function predict({ request, features }: SentRequest): Promise<Given> {
  const value = 'value' in features ? features.value : features.tensors.map(({ data }) => data);
  if (value === 'wait') await sleep(10_000);
  while (value === 'crash') process.kill(process.pid, 'SIGSEGV');
  const common = { version: { name: 'echo', version: '1.0.0', label: '1.0.0+ab' }, variant: undefined };
  if (value === 'refuse') {
    const error = { code: 'schema_mismatch', stage: 'validate', message: 'no', row: undefined } as const;
    return { kind: 'predicted', ending: { kind: 'refused', error, ...common, failedAtMs: 1 } };
  }
  const predictions = [{ prediction: [value, request.requestId, String(process.pid)] }];
  const said = {
    rows: 1,
    errors: [],
    several: false,
    requestedVersion: undefined,
    fallback: false,
    degraded: false,
    cached: false,
  };
  return {
    kind: 'predicted',
    ending: { kind: 'answered', predictions, ...common, ...said, scoredAtMs: 1, modelMs: 1 },
  };
}
