/** Scores all chunks of `lake/in.csv` as an instance's batch process does, and says what that took of this process. Environment: STORAGE, a connection string; ROWS. */
import { createJobStorage } from '../src/azure/job-blobs.ts';
import { createInspector } from '../src/batch/jobs/inspect.ts';
import { jobRequestSchema } from '../src/batch/jobs/request.ts';
import { scoreChunk } from '../src/batch/jobs/score-chunk.ts';
import { submitJob } from '../src/batch/jobs/submit.ts';
import { createDecoder } from '../src/codecs/decoder.ts';
import { createTableScorer } from '../src/scoring/table.ts';
import { openVersion } from '../test/support/batch.ts';
import { round3 } from './harness.ts';

const rows = Number(process.env.ROWS);
const storage = createJobStorage({ kind: 'connection-string', connectionString: process.env.STORAGE ?? '' });
const never = new AbortController().signal;
const { version } = await openVersion('samples/models/diabetes/1.0.0');
const model = { scorer: createTableScorer(version, Date.now), decoder: createDecoder() };
const room = {
  ...{ storage, blobs: storage('batch'), inFlight: 1, retrySeconds: 1, modelsContainer: 'models' },
  ...{ batchContainer: 'batch', clock: Date.now, log: console, queue: { send: async () => {} } },
  events: { ended() {}, sla() {}, chunk() {} },
  inspector: createInspector(storage, async () => model, Date.now),
};
const request = { input: 'lake/in.csv', output: 'lake/out.csv', model: 'diabetes', id_column: 'user_id' };
const { job } = await submitJob(room, jobRequestSchema.parse(request), never);

const rates: { wall: number; cpu: number }[] = [];
// What the first round has the engine compile is not a row's.
for (let round = 0; round < 3; round++) {
  const [begin, busy] = [performance.now(), process.cpuUsage()];
  for (let chunk = 0; chunk < job.chunks; chunk++)
    await scoreChunk(room, job, { job: job.id, chunk, generation: 0 }, model, never);
  const { user, system } = process.cpuUsage(busy);
  rates.push({ wall: (performance.now() - begin) / 1000, cpu: user + system });
}
const best = rates.slice(1).reduce((one, other) => (other.cpu < one.cpu ? other : one));
process.stdout.write(
  JSON.stringify({
    chunks: job.chunks,
    'rows/s a worker': Math.round(rows / best.wall),
    'CPU a row, µs': round3(best.cpu / rows),
    'peak memory, MiB': Math.round(process.resourceUsage().maxRSS / 1024),
  }),
);
process.exit();
