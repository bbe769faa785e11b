import { modelStorageConnection } from '../config/connection.ts';
import { shadowOf } from '../rollouts/shadow.ts';
import type { FlipLine } from '../shadow/pair-lines.ts';
import { commandSettings } from './environment.ts';
import { jsonLine, printable } from './printable.ts';
import { showPairs } from './show-pairs.ts';
import { CommandError, paintFor, type Terminal } from './terminal.ts';

/** Flips that are shown: the newest. */
const SHOWN = 20;
const COLOURS = { pass: 'green', fail: 'red', undecided: 'yellow' } as const;

/** `hubscore shadow status NAME`: exit status 0 pass, 2 fail, 3 undecided. */
export async function shadowStatus(
  terminal: Terminal,
  name: string,
  { json }: { readonly json?: boolean },
): Promise<void> {
  const { signal, stdout } = terminal;
  const settings = commandSettings(terminal.environment, terminal.folder);
  const [
    { createBlobs },
    { readDocument },
    { readTally },
    { readFlips },
    { LabelledPairs, readLabels },
    { judgePairs },
  ] = await Promise.all([
    import('../azure/blobs.ts'),
    import('../rollouts/change.ts'),
    import('../shadow/shadow-state.ts'),
    import('../shadow/pair-lines.ts'),
    import('../shadow/labels.ts'),
    import('../shadow/verdict.ts'),
  ]);
  const storage = modelStorageConnection(settings);
  const models = createBlobs(storage, settings.MODELS_CONTAINER);
  const monitor = createBlobs(storage, settings.MONITOR_CONTAINER);
  const there = await readDocument({ store: models, path: `${name}/deployment.json`, signal });
  const shadow = there && shadowOf(there.document);
  if (shadow === undefined)
    throw new CommandError(`${name} has no shadow`, `\`npx hubscore shadow start ${name} VERSION\` begins one.`);
  const fromMs = Date.parse(shadow.effective_at);
  const of = { model: name, version: shadow.version, id: shadow.id };
  const [{ sampled, lost, partitions: _, ...tally }, flips, labelOf] = await Promise.all([
    readTally(monitor, of, signal),
    readFlips(monitor, of, fromMs, signal),
    readLabels(monitor, name, fromMs, signal),
  ]);
  const labels = new LabelledPairs(labelOf);
  for (const flip of flips) labels.add(pairOf(flip));
  const { onlyBaseline, onlyCandidate } = labels;
  const { verdict, triggers } = judgePairs(tally, { onlyBaseline, onlyCandidate });
  const said = {
    ...{ model: name, id: shadow.id, version: shadow.version, sample: shadow.sample },
    ...{ effective_at: shadow.effective_at, ended_at: shadow.ended_at ?? null },
    ...{ ...tally, sampled, lost, verdict, triggers },
    labels: { labelled_flips: labels.labelled, only_right: onlyCandidate, only_production_right: onlyBaseline },
    flipped: flips.slice(-SHOWN).reverse(),
  };
  if (json) stdout.write(`${jsonLine(said)}\n`);
  else {
    const paint = paintFor(stdout);
    const until = shadow.ended_at === undefined ? 'runs' : `ended ${shadow.ended_at}`;
    const head = `${name} ${shadow.version} (shadow ${shadow.id}, ${shadow.sample} %, from ${shadow.effective_at}, ${until}): ${tally.pairs.toLocaleString('en-US')} pairs, `;
    stdout.write(`${printable(head)}${paint(COLOURS[verdict], verdict)}\n`);
    const shown = said.flipped.map(flip => ({ ...flip }));
    for (const line of showPairs({ ...said, flipped: shown }, tally.pairs, paint)) stdout.write(`${line}\n`);
  }
  terminal.setExitCode(verdict === 'pass' ? 0 : verdict === 'fail' ? 2 : 3);
}

function pairOf({ result_id, request_id, baseline, candidate }: FlipLine) {
  const told = ({ prediction, code }: Readonly<Record<string, unknown>>) => ({
    ...{ resultId: result_id, requestId: request_id, version: undefined, prediction },
    ...{ isAnswer: code === undefined, code: code === undefined ? undefined : String(code) },
  });
  const theirs = told(baseline);
  return {
    baseline: { ...theirs, several: Array.isArray(theirs.prediction) },
    candidate: told(candidate),
    isFlip: true,
  };
}
