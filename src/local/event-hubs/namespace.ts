import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from './config-error.ts';
import type { HubConfig } from './hub-config.ts';
import { badPartition, notFound } from './service-error.ts';
import { type LogOptions, PartitionLog } from './store/partition-log.ts';
import { WriteBuffer } from './store/write-buffer.ts';

export interface Partition {
  readonly id: string;
  readonly hub: string;
  readonly log: PartitionLog;
  /** Called after a flush that brought new events. */
  readonly readers: Set<() => void>;
}

export interface Hub {
  readonly name: string;
  readonly createdAtMs: number;
  /** More may be added while it runs, never taken away. */
  readonly partitions: readonly Partition[];
  /** In lower case, `$default` among them. */
  readonly groups: ReadonlySet<string>;
}

/** `folder` is that of all hubs. */
export type NamespaceOptions = Omit<LogOptions, 'writeBuffer'>;

/** The hubs and their logs. */
export class Namespace {
  readonly #hubs = new Map<string, Hub>();
  readonly #turn = new Map<Hub, number>();
  readonly #dirty = new Set<Partition>();
  readonly #writeBuffer = new WriteBuffer();
  readonly #options: NamespaceOptions;

  /** @throws ConfigError where the data on disk do not fit the configuration. */
  constructor(hubs: readonly HubConfig[], options: NamespaceOptions) {
    this.#options = options;
    mkdirSync(options.folder, { recursive: true });
    for (const hub of hubs)
      this.#hubs.set(hub.name.toLowerCase(), openHub(hub, { ...options, writeBuffer: this.#writeBuffer }));
    const unknown = readdirSync(options.folder, { withFileTypes: true })
      .filter(entry => entry.isDirectory() && !this.#hubs.has(decodeURIComponent(entry.name)))
      .map(entry => decodeURIComponent(entry.name));
    if (unknown.length > 0)
      options.warn(
        `${options.folder} also holds ${unknown.join(', ')}, which the configuration does not name: not served, not touched`,
      );
  }

  get hubs(): Iterable<Hub> {
    return this.#hubs.values();
  }

  find(name: string): Hub | undefined {
    return this.#hubs.get(name.toLowerCase());
  }

  /** @throws ServiceError amqp:not-found */
  hub(name: string): Hub {
    const hub = this.find(name);
    if (!hub) throw notFound(name);
    return hub;
  }

  /** @throws ServiceError */
  partition(hubName: string, id: string): Partition {
    const hub = this.hub(hubName);
    const partition = hub.partitions.find(candidate => candidate.id === id);
    if (!partition) throw badPartition(id, hub.name, hub.partitions.length);
    return partition;
  }

  /** Adds partitions to a hub until it has so many. @throws ConfigError where it has more already: none can be taken away. */
  grow(name: string, partitionCount: number): void {
    const hub = this.find(name);
    if (!hub || hub.partitions.length === partitionCount) return;
    if (hub.partitions.length > partitionCount)
      throw new ConfigError(
        `hub ${hub.name} has ${hub.partitions.length} partitions; there is no way back to ${partitionCount}`,
      );
    const options = { ...this.#options, writeBuffer: this.#writeBuffer };
    const folder = folderOf(hub.name, options);
    writeHubFile(folder, { name: hub.name, partitionCount, createdAtMs: hub.createdAtMs });
    const partitions = hub.partitions as Partition[];
    while (partitions.length < partitionCount)
      partitions.push(openPartition(hub.name, partitions.length, folder, options));
  }

  /** The partition for the next batch without a key: each in turn. */
  nextPartition(hub: Hub): Partition {
    const turn = this.#turn.get(hub) ?? 0;
    this.#turn.set(hub, (turn + 1) % hub.partitions.length);
    return hub.partitions[turn] as Partition;
  }

  /** Has a partition's appended batches written at the end of this turn of the event loop, with those of all others. */
  flushSoon(partition: Partition): void {
    if (this.#dirty.size === 0) setImmediate(() => this.flush());
    this.#dirty.add(partition);
  }

  flush(): void {
    const dirty = [...this.#dirty];
    this.#dirty.clear();
    for (const { log } of dirty) log.flush();
    this.#writeBuffer.reset();
    for (const { readers } of dirty) for (const wake of [...readers]) wake();
  }

  /** Drops events older than `olderThanMs`, and the oldest of partitions larger than `maxBytes`. */
  retain(olderThanMs: number, maxBytes: number): void {
    for (const hub of this.hubs) for (const { log } of hub.partitions) log.retain(olderThanMs, maxBytes);
  }

  /** Writes what is still to be written, and closes. */
  close(): void {
    this.flush();
    for (const hub of this.hubs) for (const { log } of hub.partitions) log.close();
  }
}

interface HubFile {
  readonly name: string;
  readonly partitionCount: number;
  readonly createdAtMs: number;
}

function openHub(config: HubConfig, options: LogOptions): Hub {
  const folder = folderOf(config.name, options);
  const path = join(folder, 'hub.json');
  mkdirSync(folder, { recursive: true });
  const file: HubFile = existsSync(path)
    ? JSON.parse(readFileSync(path, 'utf8'))
    : { name: config.name, partitionCount: config.partitionCount, createdAtMs: options.clock() };
  if (file.partitionCount !== config.partitionCount)
    throw new ConfigError(
      `hub ${config.name} has ${file.partitionCount} partitions on disk and ${config.partitionCount} in the configuration; ` +
        `set PartitionCount to ${file.partitionCount}, or delete ${folder} together with its events`,
    );
  if (!existsSync(path)) writeHubFile(folder, file);
  return {
    name: config.name,
    createdAtMs: file.createdAtMs,
    groups: new Set(['$default', ...config.consumerGroups.map(name => name.toLowerCase())]),
    partitions: Array.from({ length: config.partitionCount }, (_, i) => openPartition(config.name, i, folder, options)),
  };
}

function folderOf(hub: string, { folder }: NamespaceOptions): string {
  return join(folder, encodeURIComponent(hub.toLowerCase()));
}

function writeHubFile(folder: string, file: HubFile): void {
  const path = join(folder, 'hub.json');
  // By way of another name: a kill in between must not leave half a file.
  writeFileSync(`${path}.new`, `${JSON.stringify(file)}\n`);
  renameSync(`${path}.new`, path);
}

function openPartition(hub: string, number: number, folder: string, options: LogOptions): Partition {
  const id = String(number);
  return { id, hub, log: new PartitionLog({ ...options, folder: join(folder, id) }), readers: new Set() };
}
