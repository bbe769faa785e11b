import { Command } from 'commander';
import { modelStorageConnection } from '../config/connection.ts';
import { deploymentPath } from '../models/store.ts';
import { openAudit } from './change-deployment.ts';
import { commandSettings } from './environment.ts';
import { jsonLine, printable } from './printable.ts';
import { paintFor, type Terminal } from './terminal.ts';

const HELP = `
--verify holds the chain of records against itself and against deployment.json, and counts what decisions rest on anew from the hubs, as far as they still hold it: exit status 2 where a record was altered, taken out or put behind, or where
the document says what no record tells of. What no trail can show: a writer with all rights who rewrites all of it, which the container's immutability forbids.`;

/** `hubscore audit NAME` */
export function auditCommand(terminal: Terminal): Command {
  return new Command('audit')
    .summary('who changed what of a deployment, and why')
    .description("The audit trail of a model's deployment.json.")
    .argument('<name>', 'model')
    .option('--verify', 'prove that it is whole; exit status 2 where it is not')
    .option('--json', 'as one JSON object')
    .addHelpText('after', HELP)
    .action((name, options) => audit(terminal, name, options));
}

async function audit(
  terminal: Terminal,
  name: string,
  { verify, json }: { readonly verify?: boolean; readonly json?: boolean },
): Promise<void> {
  const { signal, stdout } = terminal;
  const settings = commandSettings(terminal.environment, terminal.folder);
  const [{ createBlobs }, { appendOutbox, readLines, verifyTrail }, { readDocument }, trail] = await Promise.all([
    import('../azure/blobs.ts'),
    import('../rollouts/audit-log.ts'),
    import('../rollouts/change.ts'),
    openAudit(settings),
  ]);
  const store = createBlobs(modelStorageConnection(settings), settings.MODELS_CONTAINER);
  const where = { store, path: deploymentPath(name), signal };
  // What waits is written by whoever comes by; one who may only read, reads it in the outbox.
  await appendOutbox(trail, name, where).catch(() => {});
  const there = await readDocument(where);
  const { records, faults: broken } = verifyTrail(await readLines(trail, name, signal), there?.document);
  const { faults: miscounted, unproven } = verify
    ? await (await import('./recount-decisions.ts')).recountDecisions(settings, name, records, signal)
    : { faults: [], unproven: [] };
  const faults = [...broken, ...miscounted];
  if (json) {
    stdout.write(
      `${jsonLine({ model: name, records, ...(verify && { verified: faults.length === 0, faults, unproven }) })}\n`,
    );
  } else {
    const paint = paintFor(stdout);
    for (const { revision, at, actor, action, rollout, reason, to } of records) {
      const why = reason === undefined ? '' : `: ${reason.trigger ?? reason.text ?? ''}`;
      const head = `${String(revision).padStart(5)}  ${at}  ${paint('bold', printable(action))}`;
      stdout.write(`${head}  ${printable(`${rollout ?? ''} by ${actor}${why}`)}\n`);
      for (const words of reason?.blame ?? []) stdout.write(`${' '.repeat(7)}${printable(words)}\n`);
      if (verify) stdout.write(`${' '.repeat(7)}${paint('dim', jsonLine(to))}\n`);
    }
    for (const fault of faults) if (verify) stdout.write(`${paint('red', 'does not hold')}  ${printable(fault)}\n`);
    for (const words of unproven) stdout.write(`${paint('yellow', 'not proven')}  ${printable(words)}\n`);
    if (verify && faults.length === 0) stdout.write(`${paint('green', 'verified')}: ${records.length} records\n`);
  }
  if (verify && faults.length > 0) terminal.setExitCode(2);
}
