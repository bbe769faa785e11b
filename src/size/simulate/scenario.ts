import type { Costs } from '../costs.ts';
import type { ScaleRule } from './scale-rule.ts';

/** How instances share partitions. */
export interface OwnershipRule {
  /** Each looks so often whether it has its share. */
  readonly balanceMs: number;
  /** What a killed instance held lies idle so long. */
  readonly expiryMs: number;
  /** From claiming a partition until its events come. */
  readonly openMs: number;
}

/**
 * 30 s and 2 min: defaults of the Event Hubs extension's processor, as its source has them. Claims are greedy: all at once. That a link is open after 1 s is an
 * assumption.
 */
export const AZURE_OWNERSHIP: OwnershipRule = { balanceMs: 30_000, expiryMs: 120_000, openMs: 1_000 };

/** What one namespace carries in a second. Infinity: no limit. */
export interface HubLimits {
  readonly inEvents: number;
  readonly inBytes: number;
  readonly outEvents: number;
  readonly outBytes: number;
}

export interface Kill {
  readonly atMs: number;
}

/** All that a simulation of one namespace depends on. */
export interface Scenario {
  readonly partitions: number;
  readonly costs: Costs;
  readonly rows: number;
  /** Of an instance. */
  readonly cores: number;
  /** With framing. */
  readonly requestBytes: number;
  readonly resultBytes: number;
  /** Of results, beside nobody: the sweep counts here. */
  readonly readers: number;
  readonly hub: HubLimits;
  /** Events a second that are sent at this time. */
  readonly rateAt: (ms: number) => number;
  /** Instances at work when it begins. */
  readonly instances: number;
  readonly leastInstances: number;
  readonly mostInstances: number;
  /** Undefined: as many as there are at the beginning, less those killed. */
  readonly scale: ScaleRule | undefined;
  readonly ownership: OwnershipRule;
  readonly kills: readonly Kill[];
  /** A refused send is tried again after so long, then after twice as long …, up to the most. */
  readonly retry: { readonly firstMs: number; readonly mostMs: number };
  /** What comes before is not counted. */
  readonly warmUpMs: number;
  /** Nothing is sent any more. */
  readonly sendUntilMs: number;
  readonly endMs: number;
  /** What has come by then is what has to be drained; undefined: nothing is. */
  readonly drainFromMs: number | undefined;
  /** Events that are sent within so long count as sent together. */
  readonly stepMs: number;
  readonly samples: number;
  readonly seed: number;
}

/** A slice of time. */
export interface Sample {
  /** Its end, from the end of the warm-up on. */
  readonly second: number;
  readonly sentPerSecond: number;
  readonly answeredPerSecond: number;
  /** In the hub, not answered. */
  readonly waiting: number;
  /** At their senders: the hub did not take them yet. */
  readonly heldBack: number;
  readonly instances: number;
  /** Of what was answered meanwhile, milliseconds; null where nothing was. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}

export interface Outcome {
  /** From the first millisecond on: sent = answered + waiting + heldBack. */
  readonly sent: number;
  readonly answered: number;
  readonly waiting: number;
  readonly heldBack: number;
  /** Were under way on an instance that was killed, and came again. */
  readonly again: number;
  /** Of results that the hub refused at first. */
  readonly retries: number;
  readonly batches: number;
  /** From sent to answered, of what was sent after the warm-up; undefined where nothing was answered. */
  readonly p50Ms: number | undefined;
  readonly p95Ms: number | undefined;
  readonly p99Ms: number | undefined;
  /** From `drainFromMs` until all that came by then is answered; undefined where it was not within the time. */
  readonly drainMs: number | undefined;
  readonly mostWaiting: number;
  readonly mostHeldBack: number;
  readonly mostInstances: number;
  readonly samples: readonly Sample[];
}
