import { randomBytes } from 'node:crypto';
import { asError, InfrastructureError } from '../core/errors.ts';
import { productionOf } from '../rollouts/decisions.ts';
import { isOpen, type OnUndecided, type RolloutKind } from '../rollouts/document.ts';
import { parseRamp, type StartRequest, start } from '../rollouts/start.ts';
import { parseTrigger } from '../rollouts/triggers.ts';
import { changeDeployment } from './change-deployment.ts';
import { clockDifference } from './clock-difference.ts';
import { commandSettings } from './environment.ts';
import { inspect, openStore } from './model-room.ts';
import { tellChange } from './rollout-change.ts';
import { findStored, withDownloaded } from './stored-model.ts';
import { Refusal, type Terminal } from './terminal.ts';

export interface StartOptions {
  readonly kind?: string;
  readonly weight?: number;
  readonly duration?: string;
  readonly trigger: readonly string[];
  readonly segment: readonly string[];
  readonly ramp?: string;
  readonly onUndecided?: string;
  readonly alpha?: number;
  readonly force?: boolean;
  readonly json?: boolean;
}

const KINDS: readonly string[] = ['canary', 'blue_green', 'segments', 'ab'] satisfies RolloutKind[];
const ENDS: readonly string[] = ['hold', 'promote', 'rollback'] satisfies OnUndecided[];
/** Base 32 without what is mistaken for something else. */
const ALPHABET = '23456789ABCDEFGHJKMNPQRSTVWXYZ';
/** Of the lead, how much the clocks of storage and of the hubs may differ. */
const MAX_DIFFERENCE_MS = 5_000;

/** `hubscore rollout start NAME VERSION`: refused (exit status 2) where the version does not load, is in quarantine, or another rollout runs. */
export async function startRollout(
  terminal: Terminal,
  name: string,
  asked: string,
  options: StartOptions,
): Promise<void> {
  const { signal } = terminal;
  const settings = commandSettings(terminal.environment, terminal.folder);
  const request = requestOf(options);
  const store = await openStore(settings);
  const found = await findStored(store, name, asked, signal);
  if (found.problem !== undefined) throw new Refusal(found.problem, 'Nothing was changed: mend that file first.');
  const candidate = found.stored.version;
  await withDownloaded(settings, store, found, signal, files =>
    inspect(settings, { ...found.stored, ...files }, signal),
  ).catch(thrown => {
    signal.throwIfAborted();
    if (thrown instanceof InfrastructureError) throw thrown;
    throw new Refusal(`${name} ${candidate} does not load: ${asError(thrown).message}`, 'Nothing was changed.', {
      cause: thrown,
    });
  });
  const differenceMs = await clockDifference(settings, store, name, signal);
  if (differenceMs !== undefined && Math.abs(differenceMs) > MAX_DIFFERENCE_MS) {
    const words = `the clocks of Event Hubs and of storage differ by ${(differenceMs / 1000).toFixed(1)} s, more than the lead allows for`;
    throw new Refusal(words, 'Nothing was changed: instances would cut at different events.');
  }
  const { production } = found;
  // Events enqueued before the rollout go to what is production now, whatever is pushed meanwhile.
  await changeDeployment(terminal, settings, name, before => {
    if (productionOf(before.aliases) !== undefined || production === undefined || isOpen(before.rollout))
      return undefined;
    return { document: { ...before, aliases: { ...before.aliases, production } }, action: 'pin' };
  });
  const change = await changeDeployment(terminal, settings, name, (before, moment) =>
    start(before, { ...request, candidate }, moment),
  );
  tellChange(terminal, name, change, options);
}

/** @throws Refusal that says what is allowed */
function requestOf(options: StartOptions): Omit<StartRequest, 'candidate'> {
  const { segment: segments, onUndecided } = options;
  const kind = (options.kind ?? (segments.length > 0 ? 'segments' : 'canary')).replace('-', '_');
  if (!KINDS.includes(kind)) throw refused(`kind ${kind}: expected one of ${KINDS.join(', ')}`);
  if (onUndecided !== undefined && !ENDS.includes(onUndecided)) {
    throw refused(`--on-undecided ${onUndecided}: expected one of ${ENDS.join(', ')}`);
  }
  try {
    return {
      id: `ro_${[...randomBytes(6)].map(byte => ALPHABET[byte % ALPHABET.length]).join('')}`,
      kind: kind as RolloutKind,
      weight: options.weight,
      duration: options.duration,
      onUndecided: onUndecided as OnUndecided | undefined,
      alpha: options.alpha,
      triggers: options.trigger.map(parseTrigger),
      segments,
      ramp: options.ramp === undefined ? undefined : parseRamp(options.ramp),
      force: options.force === true,
    };
  } catch (thrown) {
    throw refused(asError(thrown).message);
  }
}

const refused = (words: string) => new Refusal(words, 'Nothing was changed.');
