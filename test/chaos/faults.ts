import { setTimeout as sleep } from 'node:timers/promises';
import type { ProxyFault } from '../support/fault-proxy.ts';
import type { SeededRandom } from '../support/seeded-random.ts';
import { type Stack, sampleFile } from './stack.ts';

export interface Fault {
  readonly name: string;
  /** How long it lasts, milliseconds, from and to. */
  readonly lasts: readonly [number, number];
  /** Results must go on meanwhile. */
  readonly harmless?: true;
  /** Gives what mends it. */
  strike(stack: Stack, random: SeededRandom): Promise<() => Promise<void>>;
}

export const killHost: Fault = {
  name: 'host killed',
  lasts: [0, 1_000],
  async strike(stack, random) {
    return stack.killHost(random.below(stack.hosts));
  },
};

/** Longer than its leases last, so that the other host takes over, and it comes back amid a batch that is no longer its own. */
export const freezeHost: Fault = {
  name: 'host frozen',
  lasts: [11_000, 14_000],
  async strike(stack, random) {
    const thaw = stack.freezeHost(random.below(stack.hosts));
    return async () => thaw();
  },
};

export const killEndpoint: Fault = {
  name: 'endpoint killed',
  lasts: [100, 3_000],
  async strike({ eventHubs }) {
    await eventHubs.kill();
    return () => eventHubs.restart();
  },
};

export const killStorage: Fault = {
  name: 'storage killed',
  lasts: [500, 5_000],
  harmless: true,
  async strike({ storage }) {
    await storage.kill();
    return () => storage.restart();
  },
};

/** Longer than any lease, time-out or back-off of the host and the app lasts. */
export const loseStorageForLong: Fault = {
  ...killStorage,
  name: 'storage away for over a minute',
  lasts: [65_000, 70_000],
};

const proxied = (name: string, fault: ProxyFault): Fault => ({
  name,
  lasts: [1_500, 6_000],
  async strike({ proxy }) {
    proxy.set(fault);
    return async () => proxy.set('pass');
  },
});

export const refuseResults = proxied('results refused', 'cut');
export const resetResults = proxied('results connections reset', 'reset');
export const slowResults = proxied('results slow to be sent to', { slow: 50_000 });
export const confirmNothing = proxied('results taken, never confirmed', 'mute');
export const holdResults = proxied('results held up on their way', 'hold');

export const killRedis: Fault = {
  name: 'Redis killed',
  lasts: [500, 2_000],
  harmless: true,
  async strike({ redis }) {
    await redis?.kill();
    return async () => redis?.restart();
  },
};

export const hangRedis: Fault = {
  name: 'Redis hanging',
  lasts: [500, 2_000],
  harmless: true,
  async strike({ redis }) {
    redis?.pause();
    return async () => void redis?.resume();
  },
};

const GARBAGE = Buffer.from('this is no model');

/** A newer version that cannot be loaded, card and all. */
export const publishBrokenVersion: Fault = {
  name: 'a broken newer version',
  lasts: [1_500, 3_000],
  harmless: true,
  async strike({ models }) {
    const blob = models.getBlockBlobClient('diabetes/1.2.0/model.onnx');
    await blob.uploadData(GARBAGE);
    return async () => void (await blob.deleteIfExists());
  },
};

/** The file of the version in production, and the host starts without having seen it whole. */
export const breakModelFile: Fault = {
  name: 'the model file replaced by a broken one, host killed',
  lasts: [1_500, 3_000],
  async strike(stack) {
    const { models } = stack;
    const blob = models.getBlockBlobClient('diabetes/1.1.0/model.onnx');
    await blob.uploadData(GARBAGE);
    await sleep(1_000);
    const start = await stack.killHost(0);
    await start();
    return async () => void (await blob.uploadData(sampleFile('diabetes/1.1.0')));
  },
};
