/**
 * The onnx package's own models, each with what it is given and what it has to say, served as a user's would be: `npm run test:interop -- --all`, or alone `node test/interop/onnx-suite/run.ts`.
 * What comes out is held against record.json; `--record` writes that anew, a word scores the models of that name alone.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pythonEnvironment } from '../python-environment.ts';
import { ChildScorer } from './in-child.ts';
import { faultsOf, recordOf, type SuiteRecord } from './record.ts';
import type { Verdict } from './score-model.ts';
import { modelsIn } from './suite.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const RECORD = join(import.meta.dirname, 'record.json');
const [word] = process.argv.slice(2).filter(argument => !argument.startsWith('--'));

const requirements = join(import.meta.dirname, 'requirements.txt');
const python = pythonEnvironment(join(ROOT, '.local/onnx-suite-python'), [requirements]);
const folder = execFileSync(python, ['-c', 'import onnx.backend.test as t; print(t.__path__[0])'], {
  encoding: 'utf8',
});

const scorer = new ChildScorer();
const verdicts: Record<string, Verdict> = {};
for (const model of modelsIn(join(folder.trim(), 'data'))) {
  if (word !== undefined && !model.name.includes(word)) continue;
  verdicts[model.name] = await scorer.score(model);
  if (word !== undefined) console.log(model.name, verdicts[model.name]);
}
scorer.close();

const found = recordOf(readFileSync(requirements, 'utf8').trim(), verdicts);
for (const [kind, counts] of Object.entries(found.counts)) console.log(kind, counts);
for (const [reason, models] of Object.entries(found.others)) console.log(`${models.length} ${reason}`);
if (process.argv.includes('--record')) writeFileSync(RECORD, `${JSON.stringify(found, undefined, 2)}\n`);
const faults = faultsOf(JSON.parse(readFileSync(RECORD, 'utf8')) as SuiteRecord, verdicts);
for (const fault of faults) console.log(fault);
process.exitCode = faults.length > 0 || Object.keys(verdicts).length === 0 ? 1 : 0;
