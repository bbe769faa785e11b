import { setTimeout as delay } from 'node:timers/promises';
import type { CheckpointStore, PartitionOwnership } from '@azure/event-hubs';
import { messageOf } from '../log.ts';
import { partitionsToClaim } from './balance.ts';
import { Checkpointer } from './checkpointer.ts';
import type { HubConnection, Position } from './hub-connection.ts';
import { isDeadOwner } from './owner.ts';
import { PartitionPump } from './partition-pump.ts';
import type { ReceivedEvent } from './received-event.ts';

const CHECKPOINT_INTERVAL_MS = 250;

/** A consumer group of a hub, as the checkpoint store names it. */
export interface GroupName {
  readonly fullyQualifiedNamespace: string;
  readonly eventHubName: string;
  readonly consumerGroup: string;
}

export interface ProcessorOptions {
  readonly group: GroupName;
  /** The hub's partitions as they are now: some may be added while it runs. */
  readonly partitionIds: () => readonly string[];
  /** Called when nothing is asked for any more. */
  readonly onStop?: () => Promise<void>;
  readonly ownerId: string;
  readonly connection: HubConnection;
  readonly store: CheckpointStore;
  readonly start: Position;
  readonly balanceIntervalMs: number;
  readonly ownershipExpiryMs: number;
  /** A checkpoint after so many batches. */
  readonly batchesPerCheckpoint: number;
  readonly checkpointing: boolean;
  /** See Waits: each batch waits for the checkpoint of the last one, and none is written of what ends after `stop`. */
  readonly waitForCheckpoint: boolean;
  readonly batches: {
    readonly maxEventBatchSize: number;
    readonly minEventBatchSize: number;
    readonly maxWaitMs: number;
    readonly prefetchCount: number;
    readonly fillMs: number;
  };
  /** Runs the function on a batch; how many of its events are done with. The signal says that the partition is to be left. Never throws. */
  readonly process: (
    partitionId: string,
    events: readonly ReceivedEvent[],
    signal: AbortSignal,
    checkpointDue: boolean,
  ) => Promise<number>;
  readonly log: (level: 'debug' | 'information' | 'warning', message: string) => void;
  readonly clock: () => number;
}

interface Running {
  readonly pump: PartitionPump;
  readonly checkpointer: Checkpointer;
  /** Notes the last batch's checkpoint though it is not due yet. */
  readonly markLast: () => void;
  readonly done: Promise<void>;
}

/** Shares a consumer group's partitions with other hosts and pumps those that are this one's. */
export class HubProcessor {
  readonly #options: ProcessorOptions;
  readonly #running = new Map<string, Running>();
  /** Pumps whose partition is lost, while their function still runs. */
  readonly #lost = new Map<string, Promise<void>>();
  readonly #stop = new AbortController();
  #balancing: Promise<void> | undefined;

  constructor(options: ProcessorOptions) {
    this.#options = options;
  }

  /** Resolves when partitions are claimed and open; balancing then goes on in the background. */
  async start(): Promise<void> {
    await new Promise<void>(started => {
      this.#balancing = this.#keepBalancing(started);
    });
  }

  /** Stops receiving, lets functions finish, writes checkpoints, gives the partitions up. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#balancing;
    await Promise.all([...this.#running.keys()].map(id => this.#leave(id, true)));
    await this.#giveUp().catch(error =>
      this.#options.log('warning', `partitions could not be given up: ${messageOf(error)}`),
    );
    await this.#options.connection.close().catch(() => undefined);
    await this.#options.onStop?.();
  }

  async #giveUp(): Promise<void> {
    const { store, ownerId: me } = this.#options;
    const mine = (await this.#ownerships()).filter(({ ownerId }) => ownerId === me);
    await store.claimOwnership(mine.map(ownership => ({ ...ownership, ownerId: '' })));
  }

  /** Stops receiving and writes checkpoints, without waiting for functions: this process is about to end. */
  async abandon(): Promise<void> {
    this.#stop.abort();
    for (const { pump } of this.#running.values()) pump.stop().catch(() => undefined);
    await Promise.allSettled([...this.#running.values()].map(({ checkpointer }) => checkpointer.flush()));
  }

  async #keepBalancing(started: () => void): Promise<void> {
    const { balanceIntervalMs, log } = this.#options;
    const { signal } = this.#stop;
    let failing = false;
    while (!signal.aborted) {
      try {
        await this.#balance();
        failing = false;
        started();
      } catch (error) {
        // Partitions held go on being read: without storage nobody else can claim them either.
        if (!failing) log('warning', `claiming partitions failed: ${messageOf(error)}; trying again`);
        failing = true;
      }
      await delay(balanceIntervalMs, undefined, { signal }).catch(() => undefined);
    }
    started();
  }

  async #balance(): Promise<void> {
    const { group, ownerId: me, store, ownershipExpiryMs, clock, log } = this.#options;
    const partitionIds = this.#options.partitionIds();
    const listed = await this.#ownerships();
    const known = new Map(listed.map(ownership => [ownership.partitionId, ownership]));
    const active = listed.filter(
      ({ ownerId, lastModifiedTimeInMs = 0 }) =>
        ownerId !== '' &&
        (ownerId === me || clock() - lastModifiedTimeInMs < ownershipExpiryMs) &&
        !isDeadOwner(ownerId),
    );
    for (const [id, { pump }] of this.#running) {
      const owner = known.get(id)?.ownerId;
      if (pump.stolen || (owner !== undefined && owner !== me)) {
        log('information', `partition ${id} went to another host`);
        await this.#leave(id, false);
      }
    }
    // What is ours by the store without a pump (a run before this one under the same id) is claimed and started like any other.
    const mine = active.filter(({ ownerId, partitionId }) => ownerId === me && this.#running.has(partitionId));
    const others = active.filter(({ ownerId }) => ownerId !== me);
    const wanted = partitionsToClaim(me, partitionIds, [...others, ...mine]);
    const claims = [...mine.map(({ partitionId }) => partitionId), ...wanted].map(
      (partitionId): PartitionOwnership => ({
        ...group,
        ownerId: me,
        partitionId,
        etag: known.get(partitionId)?.etag ?? '',
      }),
    );
    const claimed = (await Promise.all(claims.map(claim => store.claimOwnership([claim])))).flat();
    const fresh = claimed.map(({ partitionId }) => partitionId).filter(id => !this.#running.has(id));
    if (fresh.length === 0 || this.#stop.signal.aborted) return;
    const checkpoints = await store.listCheckpoints(
      group.fullyQualifiedNamespace,
      group.eventHubName,
      group.consumerGroup,
    );
    await Promise.all(
      fresh.map(id => this.#enter(id, checkpoints.find(({ partitionId }) => partitionId === id)?.offset)),
    );
    log('information', `reading ${group.eventHubName} partitions ${[...this.#running.keys()].sort().join(', ')}`);
  }

  /** Starts to pump a partition; resolves when it is open, or when the process stops. */
  async #enter(partitionId: string, checkpointOffset: string | undefined): Promise<void> {
    const { batches, connection, start, log, clock, group, store, batchesPerCheckpoint, checkpointing, process } =
      this.#options;
    const { waitForCheckpoint } = this.#options;
    const onError = (error: unknown) =>
      log('warning', `the checkpoint of partition ${partitionId} could not be written: ${messageOf(error)}`);
    const checkpointer = new Checkpointer({
      write: checkpoint => store.updateCheckpoint({ ...group, partitionId, ...checkpoint }),
      intervalMs: CHECKPOINT_INTERVAL_MS,
      onError,
      clock,
    });
    let batchCount = 0;
    let last: ReceivedEvent | undefined;
    const markLast = () => {
      if (last && checkpointing) checkpointer.mark({ sequenceNumber: last.sequenceNumber, offset: last.offset });
    };
    const pump: PartitionPump = new PartitionPump({
      ...batches,
      connection,
      partitionId,
      start: checkpointOffset === undefined ? start : { kind: 'offset', after: checkpointOffset },
      process: async events => {
        const due = checkpointing && ++batchCount % batchesPerCheckpoint === 0;
        const done = await process(partitionId, events, pump.signal, due);
        // A partition that was stolen meanwhile is further on than this batch: no checkpoint may set it back.
        if (pump.stolen) return 0;
        if (waitForCheckpoint && this.#stop.signal.aborted) return done;
        last = events[done - 1] ?? last;
        if (due) markLast();
        if (due && waitForCheckpoint) await checkpointer.flush().catch(onError);
        return done;
      },
      onBreak: message => log('warning', `partition ${partitionId}: ${message}`),
    });
    await this.#lost.get(partitionId); // one function at a time on a partition, also where it comes back
    await new Promise<void>(opened => {
      const done = pump.run(opened).catch(error => log('warning', `partition ${partitionId}: ${messageOf(error)}`));
      this.#running.set(partitionId, { pump, checkpointer, markLast, done });
      done.then(opened);
    });
  }

  /** Stops a partition's pump; with its last checkpoint written where the partition is still ours. */
  async #leave(partitionId: string, ours: boolean): Promise<void> {
    const running = this.#running.get(partitionId);
    if (!running) return;
    this.#running.delete(partitionId);
    if (!ours || running.pump.stolen) running.checkpointer.discard();
    await running.pump.stop();
    if (!ours) {
      const ended = running.done.finally(() => this.#lost.delete(partitionId));
      this.#lost.set(partitionId, ended); // its function may go on for long: nobody waits for it here
      return;
    }
    await running.done;
    running.markLast();
    await running.checkpointer
      .flush()
      .catch(error =>
        this.#options.log(
          'warning',
          `the last checkpoint of partition ${partitionId} could not be written: ${messageOf(error)}`,
        ),
      );
  }

  #ownerships(): Promise<PartitionOwnership[]> {
    const { group, store } = this.#options;
    return store.listOwnership(group.fullyQualifiedNamespace, group.eventHubName, group.consumerGroup);
  }
}
