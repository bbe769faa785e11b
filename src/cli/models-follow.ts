import { setTimeout as delay } from 'node:timers/promises';
import { asError } from '../core/errors.ts';
import { deploymentPath } from '../models/store.ts';
import { isOpen } from '../rollouts/document.ts';
import { commandSettings } from './environment.ts';
import { openStore, readDeployed } from './model-room.ts';
import {
  explained,
  type ImportOptions,
  importModel,
  nameOf,
  openRegistry,
  referenceOf,
  versionOf,
} from './models-import.ts';
import { printable } from './printable.ts';
import { type StartOptions, startRollout } from './rollout-start.ts';
import { CommandError, type Terminal } from './terminal.ts';

export interface FollowOptions extends StartOptions, Pick<ImportOptions, 'trackingUri' | 'name'> {
  readonly once?: boolean;
  /** Seconds. */
  readonly every: number;
}

/**
 * `hubscore models follow mlflow:/NAME@ALIAS`: where the alias of a foreign registry moves, the version is imported and a rollout of it starts; never a bare switch.
 * With the rights of who pushes: the app itself can write no version.
 */
export async function follow(terminal: Terminal, from: string, options: FollowOptions): Promise<void> {
  const { signal, stderr } = terminal;
  for (;;) {
    try {
      await followOnce(terminal, from, options);
    } catch (thrown) {
      if (options.once || signal.aborted) throw thrown;
      // What is refused now may not be later: the rollout before ends, the registry comes back.
      stderr.write(`warning: ${printable(asError(thrown).message)}\n`);
    }
    if (options.once) return;
    await delay(options.every * 1000, undefined, { signal });
  }
}

async function followOnce(terminal: Terminal, from: string, options: FollowOptions): Promise<void> {
  const { signal, stdout } = terminal;
  const reference = referenceOf(from);
  const registered = await explained(openRegistry(terminal, options, reference).find(reference, signal));
  const name = options.name ?? nameOf(registered.name);
  const version = versionOf(registered.version);
  const say = (words: string) => {
    if (!options.json) stdout.write(`${printable(`${from} is ${name} ${version}: ${words}`)}\n`);
  };
  const store = await openStore(commandSettings(terminal.environment, terminal.folder));
  const model = (await store.list(signal)).models.get(name);
  const deployed = model && (await readDeployed(store, model, signal));
  if (deployed?.problem !== undefined) throw new CommandError(deployed.problem, `Mend ${deploymentPath(name)} first.`);
  const { production, rollout, quarantine } = deployed ?? {};
  if (production === version) return say('production already');
  if (quarantine?.[version] !== undefined) return say(`in quarantine (${quarantine[version]}); nothing is started`);
  if (isOpen(rollout)) {
    if (rollout.candidate === version) return say(`its rollout ${rollout.id} is ${rollout.phase}`);
    throw new CommandError(
      `rollout ${rollout.id} of ${rollout.candidate} is ${rollout.phase}`,
      'The next one begins once it is over.',
    );
  }
  if (rollout?.candidate === version)
    return say(`its rollout ${rollout.id} is over: ${rollout.phase.replace('_', ' ')}`);
  const quiet = options.json ? { ...terminal, stdout: terminal.stderr } : terminal;
  if (!model?.versions.has(version)) {
    const { trackingUri } = options;
    await importModel(quiet, `mlflow:/${reference.name}/${registered.version}`, {
      trackingUri,
      name,
      version,
      candidate: true,
    });
  }
  if (production === undefined) return say('production, as the only version there is');
  await startRollout(terminal, name, version, options);
}
