import { randomBytes } from 'node:crypto';
import { asError, InfrastructureError } from '../core/errors.ts';
import type { DeploymentDocument } from '../rollouts/document.ts';
import { shadowOf, startShadow, stopShadow } from '../rollouts/shadow.ts';
import { changeDeployment } from './change-deployment.ts';
import { commandSettings } from './environment.ts';
import { inspect, openStore } from './model-room.ts';
import { jsonLine, printable } from './printable.ts';
import { findStored, withDownloaded } from './stored-model.ts';
import { Refusal, type Terminal } from './terminal.ts';

interface Json {
  readonly json?: boolean;
}

/** `hubscore shadow start NAME VERSION`: refused (exit status 2) where the version does not load, or another shadow runs. */
export async function beginShadow(
  terminal: Terminal,
  name: string,
  asked: string,
  { sample, json }: Json & { readonly sample: number },
): Promise<void> {
  const { signal } = terminal;
  const settings = commandSettings(terminal.environment, terminal.folder);
  const store = await openStore(settings);
  const found = await findStored(store, name, asked, signal);
  if (found.problem !== undefined) throw new Refusal(found.problem, 'Nothing was changed: mend that file first.');
  const { version } = found.stored;
  await withDownloaded(settings, store, found, signal, files =>
    inspect(settings, { ...found.stored, ...files }, signal),
  ).catch(thrown => {
    signal.throwIfAborted();
    if (thrown instanceof InfrastructureError) throw thrown;
    throw new Refusal(`${name} ${version} does not load: ${asError(thrown).message}`, 'Nothing was changed.', {
      cause: thrown,
    });
  });
  const id = `sh_${randomBytes(4).toString('hex')}`;
  const { after } = await changeDeployment(terminal, settings, name, (before, moment) =>
    startShadow(before, { id, version, sample }, moment),
  );
  tell(terminal, name, after, { json: json === true }, [
    `${name}: ${version} is asked ${sample} % of what production is asked, from ${shadowOf(after)?.effective_at} on, and answers nobody`,
    `watch: \`npx hubscore shadow status ${name}\`; undo: \`npx hubscore shadow stop ${name}\``,
  ]);
}

/** `hubscore shadow stop NAME` */
export async function endShadow(terminal: Terminal, name: string, { json }: Json): Promise<void> {
  const settings = commandSettings(terminal.environment, terminal.folder);
  const { after } = await changeDeployment(terminal, settings, name, stopShadow);
  tell(terminal, name, after, { json: json === true }, [
    `${name}: ${shadowOf(after)?.version} is asked no more; \`npx hubscore shadow status ${name}\` still says what was found`,
  ]);
}

function tell(
  { stdout }: Terminal,
  name: string,
  document: DeploymentDocument,
  { json }: { readonly json: boolean },
  words: readonly string[],
): void {
  const { id, version, sample, effective_at, ended_at } = shadowOf(document) ?? {};
  const said = { model: name, revision: document.revision, id, version, sample, effective_at, ended_at };
  if (json) stdout.write(`${jsonLine(said)}\n`);
  else for (const line of words) stdout.write(`${printable(line)}\n`);
}
