import { FRAME, PLANNED_SHARE } from '../../size/costs.ts';
import { TIERS } from '../../size/limits.ts';

/** What a deployment has to carry, and what was measured of the model. */
export interface Demand {
  /** Requests a second. */
  readonly rate: number;
  /** Requests a second that this machine scores with all its cores, from bytes to bytes. */
  readonly perSecond: number;
  readonly machineCores: number;
  /** Of the instances to be rented. */
  readonly instanceCores: number;
  /** Events that the host brings at once. */
  readonly batch: number;
  /** What such a batch takes, one at a time. */
  readonly batchMs: number;
  readonly requestBytes: number;
  readonly resultBytes: number;
}

/** US dollars or any other money; undefined where it was not given. */
export interface Prices {
  readonly instanceHour: number | undefined;
  readonly throughputUnitHour: number | undefined;
}

export interface Sizing {
  readonly instances: number;
  readonly partitions: number;
  readonly throughputUnits: number;
  /** Requests a second that one instance, and one partition, carries at the share of its time that is planned for. */
  readonly perInstance: number;
  readonly perPartition: number;
  /** A month, by the prices given. */
  readonly instancesMonth: number | undefined;
  readonly throughputUnitsMonth: number | undefined;
}

/** The Functions worker's own work around a function: 0.5 ms for a batch of 1, 4.3 ms for 1000, most of it metadata (measured). */
export const HOST_BATCH_MS = 0.5;
export const HOST_EVENT_MS = 0.0038;
/** Until the results hub has confirmed a batch; the next one of the partition waits for it. An assumption: it is some ms within a region. */
export const CONFIRMED_MS = 10;
/** AMQP framing and properties beside the body. */
export const { request: REQUEST_FRAME_BYTES, result: RESULT_FRAME_BYTES } = FRAME;
/** Of the Standard tier. */
export const UNIT = TIERS.standard;
const MONTH_HOURS = 730;

/** Partitions, instances and throughput units for a rate. Every request comes in twice (as request and as result) and each is read once. */
export function sizeFor(demand: Demand, prices: Prices): Sizing {
  const { rate, batch } = demand;
  const hostMs = HOST_EVENT_MS + HOST_BATCH_MS / batch;
  const eventMs = 1000 / demand.perSecond + hostMs;
  const perInstance = ((PLANNED_SHARE * 1000) / eventMs) * (demand.instanceCores / demand.machineCores);
  const perPartition = (PLANNED_SHARE * 1000 * batch) / (demand.batchMs + hostMs * batch + CONFIRMED_MS);
  const instances = Math.ceil(rate / perInstance);
  const requestBytes = demand.requestBytes + REQUEST_FRAME_BYTES;
  const resultBytes = demand.resultBytes + RESULT_FRAME_BYTES;
  const bytes = requestBytes + resultBytes;
  const throughputUnits = Math.ceil(
    Math.max(
      (2 * rate) / UNIT.inEvents,
      (bytes * rate) / UNIT.inBytes,
      (2 * rate) / UNIT.outEvents,
      (bytes * rate) / UNIT.outBytes,
    ),
  );
  // A partition is good for one throughput unit, more is not promised; and a hub has half of the events.
  const forUnits = Math.ceil(
    Math.max(rate / UNIT.inEvents, (Math.max(requestBytes, resultBytes) * rate) / UNIT.inBytes),
  );
  const month = (count: number, hour: number | undefined) =>
    hour === undefined ? undefined : count * hour * MONTH_HOURS;
  return {
    instances,
    partitions: Math.max(instances, Math.ceil(rate / perPartition), forUnits),
    throughputUnits,
    perInstance,
    perPartition,
    instancesMonth: month(instances, prices.instanceHour),
    throughputUnitsMonth: month(throughputUnits, prices.throughputUnitHour),
  };
}
