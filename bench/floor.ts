import type { EventDataBatch } from '@azure/event-hubs';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { JsonScanner } from '../src/codecs/event-json/scan-request.ts';
import { writeWhole } from '../src/core/digits.ts';
import type { ModelVersion } from '../src/core/model.ts';
import { writeShortFloat } from '../src/core/short-float.ts';
import type { Tensor } from '../src/core/tensor.ts';
import { BatchEncoder } from '../src/hubs/encode-message.ts';

const PLAIN = {
  sequenceNumber: 0,
  enqueuedAtMs: 0,
  partitionKey: undefined,
  contentType: undefined,
  contentEncoding: undefined,
  properties: {},
};

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
    const outputs = await session.run({ [input]: new OrtTensor('float32', data, [bodies.length, width]) });
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

/**
 * The "speed of light": the cheapest code we know for each step, in a bare loop for one model, one shape of request and nothing else: bytes scanned
 * straight into the tensor, the runtime, results and their AMQP frame written as bytes, each with its own ids and position. No metadata, no
 * routing, no checks of outputs, no ledger; what it lacks against the product is what the product costs.
 * It returns the bytes it wrote: about as many as the product has for the same requests. The model is opened once for both, since a
 * forest may take half as long again in one session as in the next, by where its memory happens to lie.
 */
export function createLightFloor({ backend }: ModelVersion, width: number) {
  const input = backend.info.signature.inputs[0]?.name as string;
  const scanner = new JsonScanner();
  const slab = Buffer.alloc(1_048_576);
  const view = new DataView(slab.buffer, slab.byteOffset, slab.length);
  const first = 1_000_000;
  const digits = String(first).length;
  const frame = new BatchEncoder(slab.length).encode({
    messageId: `inference-requests/0/${first}`,
    shared: { model: 'diabetes', model_version: '1.0.0+84703ea8', source_partition: '0', source_log: 17 },
    own: { source_sequence_number: first, settled_through: first },
    body: Buffer.alloc(0),
  });
  const digitsAt = frame.indexOf(String(first));
  const [sequenceNumberAt, settledAt] = ['source_sequence_number', 'settled_through'].map(
    name => frame.indexOf(name) + name.length + 5, // behind the type, the low word of a long
  ) as [number, number];
  const head = Buffer.from('{"request_id":"');
  const about = Buffer.from(
    `","result_id":"inference-requests/0/${first}","model":"diabetes","model_version":"1.0.0+84703ea8","prediction":`,
  );
  const aboutDigitsAt = about.indexOf(String(first));
  const end = Buffer.from(
    ',"enqueued_at":"2026-11-21T09:00:00.120Z","timestamp":"2026-11-21T09:00:00.131Z","latency_ms":11.2,"model_ms":0.412}',
  );
  return async function score(bodies: readonly Buffer[]): Promise<Buffer> {
    const count = bodies.length;
    const data = new Float32Array(count * width);
    const ids = new Uint32Array(2 * count);
    for (let i = 0; i < count; i++) {
      if (!scanner.scan({ ...PLAIN, body: bodies[i] as Buffer }) || !scanner.readNumbers(data, i * width, width))
        throw new Error('a request of another shape');
      ids[2 * i] = scanner.idStart + 1;
      ids[2 * i + 1] = scanner.idEnd - 1;
    }
    const outputs = await backend.predict({ [input]: { type: 'float32', dims: [count, width], data } });
    const { label, probabilities: columns } = outputs as Record<'label' | 'probabilities', Tensor>;
    const labels = new Int32Array((label.data as BigInt64Array).buffer);
    const probabilities = columns.data as Float32Array;
    let at = 0;
    for (let i = 0; i < count; i++) {
      const start = at;
      slab.set(frame, at);
      writeWhole(slab, at + digitsAt, first + i, digits);
      view.setUint32(at + sequenceNumberAt, first + i);
      view.setUint32(at + settledAt, first + i);
      at += frame.length;
      const bodyAt = at;
      slab.set(head, at);
      at += head.length;
      const body = bodies[i] as Buffer;
      for (let j = ids[2 * i] as number; j < (ids[2 * i + 1] as number); j++) slab[at++] = body[j] as number;
      slab.set(about, at);
      writeWhole(slab, at + aboutDigitsAt, first + i, digits);
      at += about.length;
      slab[at++] = 48 + (labels[2 * i] as number);
      at = writeText(slab, at, ',"probabilities":{"0":');
      at = writeShortFloat(slab, at, probabilities[2 * i] as number);
      at = writeText(slab, at, ',"1":');
      const from = at;
      at = writeShortFloat(slab, at, probabilities[2 * i + 1] as number);
      const to = at;
      at = writeText(slab, at, '},"confidence":');
      for (let j = from; j < to; j++) slab[at++] = slab[j] as number;
      slab.set(end, at);
      at += end.length;
      view.setUint32(bodyAt - 4, at - bodyAt);
      view.setUint32(start + 4, at - start - 8);
    }
    return slab.subarray(0, at);
  };
}

function writeText(slab: Buffer, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) slab[at + i] = text.charCodeAt(i);
  return at + text.length;
}
