import type { Change } from '../rollouts/change.ts';
import { block, productionOf, unblock } from '../rollouts/decisions.ts';
import { changeDeployment } from './change-deployment.ts';
import { commandSettings } from './environment.ts';
import { openStore } from './model-room.ts';
import { jsonLine, printable } from './printable.ts';
import { findModel } from './stored-model.ts';
import type { Terminal } from './terminal.ts';

interface Options {
  readonly reason?: string;
  readonly json?: boolean;
}

/** `hubscore models block NAME VERSION` */
export async function blockVersion(terminal: Terminal, name: string, version: string, options: Options): Promise<void> {
  const settings = commandSettings(terminal.environment, terminal.folder);
  const { production } = await findModel(await openStore(settings), name, terminal.signal);
  const change = await changeDeployment(terminal, settings, name, (before, moment) => {
    // What is production where no alias says it must not be what is blocked.
    const isPinned = productionOf(before.aliases) !== undefined || production !== version;
    const pinned = isPinned ? before : { ...before, aliases: { ...before.aliases, production: version } };
    return block(pinned, version, moment, options.reason ?? 'no reason given');
  });
  tell(terminal, name, `${version} is blocked: ${change.after.quarantine[version]}`, change, options);
}

/** `hubscore models unblock NAME VERSION` */
export async function unblockVersion(
  terminal: Terminal,
  name: string,
  version: string,
  options: Options,
): Promise<void> {
  const settings = commandSettings(terminal.environment, terminal.folder);
  const change = await changeDeployment(terminal, settings, name, before => unblock(before, version));
  tell(terminal, name, `${version} is not blocked any more; no traffic comes back by that`, change, options);
}

function tell({ stdout }: Terminal, name: string, words: string, { after }: Change, { json }: Options): void {
  const { revision, aliases, rollout, quarantine } = after;
  if (json) stdout.write(`${jsonLine({ model: name, revision, aliases, rollout, quarantine })}\n`);
  else
    stdout.write(`${printable(`${name}: ${words}; production is ${aliases.production ?? 'the highest version'}`)}\n`);
}
