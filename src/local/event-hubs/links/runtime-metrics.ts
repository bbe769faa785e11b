import rhea from 'rhea';
import { encodeValue } from '../amqp/rhea-private.ts';
import type { PartitionLog } from '../store/partition-log.ts';

export const RUNTIME_METRICS = 'com.microsoft:enable-receiver-runtime-metric';

const { types } = rhea;

/** The delivery annotations section that tells a receiver how far its partition has got. */
export function runtimeMetrics(log: PartitionLog, nowMs: number): Buffer {
  const map = types.wrap_symbolic_map({
    last_enqueued_sequence_number: types.wrap_long(log.nextSequence - 1),
    last_enqueued_offset: String(log.lastEventPosition),
    last_enqueued_time_utc: types.wrap_timestamp(log.lastTimeMs),
    runtime_info_retrieval_time_utc: types.wrap_timestamp(nowMs),
  });
  return encodeValue(types.described(types.wrap_ulong(0x71), map));
}
