import { durationMs } from '../rollouts/durations.ts';
import { DEFAULT_TRIGGERS, parseTrigger, triggersOf } from '../rollouts/triggers.ts';
import type { SweptCounts } from '../sweep/read-counts.ts';
import { commandSettings } from './environment.ts';
import { jsonLine } from './printable.ts';
import { showPlan } from './show-rollout.ts';
import { readSwept } from './swept.ts';
import { CommandError, paintFor, type Terminal } from './terminal.ts';

export interface PlanOptions {
  readonly weight: number;
  readonly duration: string;
  readonly trigger?: readonly string[];
  readonly json?: boolean;
}

const ALPHA = 0.05;

/** `hubscore rollout plan NAME [VERSION]`: what such a rollout can detect at the present traffic, and when, before it starts. */
export async function rolloutPlan(
  terminal: Terminal,
  model: string,
  version: string | undefined,
  options: PlanOptions,
): Promise<void> {
  const { stdout, signal } = terminal;
  const settings = commandSettings(terminal.environment, terminal.folder);
  const duration = durationMs(options.duration);
  if (duration === undefined)
    throw new CommandError(`--duration ${options.duration} is none`, 'It takes 90s, 30m, 24h or 7d.');
  const triggers = triggersFor(options.trigger ?? []);
  const [{ counts, nowMs }, { planRollout, trafficOf }] = await Promise.all([
    readSwept(settings, model, signal),
    import('../verdicts/plan.ts'),
  ]);
  const { runs, labels } = perRequest(model, counts);
  const traffic = trafficOf(model, counts.short, runs, labels, nowMs);
  const planned = planRollout({ traffic, weight: options.weight, alpha: ALPHA, triggers, durationMs: duration });
  if (options.json) {
    const { requestsPerSecond, runsPerSecond, labelsPerSecond } = traffic;
    const shown = {
      requests_per_second: requestsPerSecond,
      runs_per_second: runsPerSecond,
      labels_per_second: labelsPerSecond,
    };
    const rows = planned.map(({ trigger, of, perSecond, detects, proves, isInTime }) => ({
      trigger,
      of,
      per_second: perSecond,
      detects,
      proves,
      in_time: isInTime,
    }));
    stdout.write(
      `${jsonLine({ model, version, weight: options.weight, duration: options.duration, traffic: shown, triggers: rows })}\n`,
    );
  } else for (const line of showPlan(planned, traffic, paintFor(stdout))) stdout.write(`${line}\n`);
}

function triggersFor(given: readonly string[]) {
  try {
    return given.length === 0 ? DEFAULT_TRIGGERS : triggersOf(given.map(parseTrigger));
  } catch (thrown) {
    throw new CommandError((thrown as Error).message, 'Several triggers are several --trigger.', { cause: thrown });
  }
}

/** Runs and labels a request of the model, by all that was counted of it. */
function perRequest(model: string, { groups, labels }: SweptCounts) {
  const own = groups.filter(({ group }) => group.model === model);
  const requests = own.reduce((sum, { counts }) => sum + counts.requests, 0);
  const runs = own.reduce((sum, { counts }) => sum + counts.runs, 0);
  const rollouts = new Set(own.map(({ group }) => group.rollout));
  const chosen = own
    .filter(({ group }) => group.rollout !== undefined)
    .reduce((sum, { counts }) => sum + counts.requests, 0);
  let labelled = 0;
  for (const [rollout, arms] of Object.entries(labels.joined))
    if (rollouts.has(rollout)) for (const arm of Object.values(arms)) labelled += arm.labels;
  return { runs: requests > 0 ? runs / requests : 0, labels: chosen > 0 ? labelled / chosen : 0 };
}
