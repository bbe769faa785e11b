import type { EventDataBatch } from '@azure/event-hubs';
import { InferenceSession, Tensor } from 'onnxruntime-node';

interface Parsed {
  readonly request_id: string;
  readonly features: number[];
}

/**
 * The straightforward path with nothing around it, for a classifier with one float32 input and outputs `label` and
 * `probabilities`: JSON.parse, tensor fill, session.run, JSON.stringify, the SDK's own encoding into an EventDataBatch. No
 * validation, no routing, no dead letters. What a careful hand-written loop could reach at best.
 */
export async function createSdkFloor(file: string, width: number, openBatch: () => Promise<EventDataBatch>) {
  const session = await InferenceSession.create(file, { intraOpNumThreads: 1 });
  const input = session.inputNames[0] as string;
  return async function score(bodies: readonly Buffer[]): Promise<number> {
    const data = new Float32Array(bodies.length * width);
    const ids: string[] = [];
    for (let i = 0; i < bodies.length; i++) {
      const parsed = JSON.parse((bodies[i] as Buffer).toString('utf8')) as Parsed;
      ids.push(parsed.request_id);
      data.set(parsed.features, i * width);
    }
    const outputs = await session.run({ [input]: new Tensor('float32', data, [bodies.length, width]) });
    const labels = outputs.label?.data as BigInt64Array;
    const probabilities = outputs.probabilities?.data as Float32Array;
    const batch = await openBatch();
    const now = new Date().toISOString();
    for (let i = 0; i < ids.length; i++) {
      const [no, yes] = [probabilities[2 * i] as number, probabilities[2 * i + 1] as number];
      const body = JSON.stringify({
        request_id: ids[i],
        result_id: `inference-requests/0/${i}`,
        model: 'diabetes',
        model_version: '1.0.0+84703ea8',
        prediction: Number(labels[i]),
        probabilities: { '0': no, '1': yes },
        confidence: Math.max(no, yes),
        enqueued_at: now,
        timestamp: now,
        latency_ms: 1.5,
        model_ms: 0.1,
      });
      const added = batch.tryAdd({
        body: Buffer.from(body),
        messageId: `inference-requests/0/${i}`,
        contentType: 'application/json',
        properties: {
          model: 'diabetes',
          model_version: '1.0.0+84703ea8',
          source_partition: '0',
          source_sequence_number: i,
          settled_through: i,
        },
      });
      if (!added) throw new Error('the batch is full');
    }
    return ids.length;
  };
}
