import { encode } from '@msgpack/msgpack';
import avsc from 'avsc';
import protobufjs from 'protobufjs';
import { allCodecs, createDecoder } from '../src/codecs/decoder.ts';
import { createDeadLetterRenderer } from '../src/codecs/event-json/dead-letter.ts';
import { readBatch } from '../src/hubs/read-batch.ts';
import { createScoring } from '../src/scoring/scoring.ts';
import { metadataOf } from './function-path.ts';
import { type Candidate, compare, processorTime } from './harness.ts';
import { catalogOf, openModel } from './models.ts';
import { MAX_BODY_BYTES } from './open-scoring.ts';
import { requestBodies, sampleFeatures } from './requests.ts';

const BATCH = 256;
const quiet = { info: () => {}, warn: () => {}, error: () => {} };
const { signal } = new AbortController();

/** Rows as others write them, from the host's buffers to a scored batch, ns an event, beside requests of the usual shape and off it. */
export async function compareInputs() {
  const { model } = await openModel('diabetes', '1.0.0');
  const names = model.card.features.map(({ name }) => name);
  const rows = (sampleFeatures('diabetes', '1.0.0') as number[][]).map(row =>
    Object.fromEntries(names.map((name, i) => [name, row[i] as number])),
  );
  const each = <T>(make: (row: Record<string, number>, id: string) => T) =>
    Array.from({ length: BATCH }, (_, i) => make(rows[i % rows.length] ?? {}, `request-${String(i).padStart(8, '0')}`));
  const json = (make: (row: Record<string, number>, id: string) => unknown) =>
    each((row, id) => Buffer.from(JSON.stringify(make(row, id))));
  const schema = {
    type: 'record',
    name: 'Row',
    fields: [{ name: 'request_id', type: 'string' }, ...names.map(name => ({ name, type: 'double' }))],
  } as const;
  const type = avsc.Type.forSchema(schema as unknown as avsc.Schema);
  const fields = ['string request_id = 1;', ...names.map((name, i) => `double ${name} = ${i + 2};`)];
  const proto = `syntax = "proto3"; message Row { ${fields.join(' ')} }`;
  const message = protobufjs.parse(proto, { keepCase: true }).root.lookupType('Row');
  const [first = '', ...others] = names;
  const candidates = [
    await path('usual', undefined, requestBodies('diabetes', '1.0.0', BATCH)),
    await path(
      'off the shape',
      undefined,
      json((features, request_id) => ({ request_id, features })),
    ),
    await path(
      'mapped, the row itself',
      {},
      json((row, request_id) => ({ request_id, ...row })),
    ),
    await path(
      'mapped, row and a field and carry',
      { row: '$.body.values', fields: { [first]: '$.first' }, request_id: '$.id', carry: ['$.device.name'] },
      json((row, id) => {
        const values = Object.fromEntries(others.map(name => [name, row[name]]));
        return { id, device: { name: 'd' }, first: row[first], body: { values } };
      }),
    ),
    await path(
      'Avro',
      { format: 'avro', schema },
      each((row, request_id) => type.toBuffer({ request_id, ...row })),
    ),
    await path(
      'Protobuf',
      { format: 'protobuf', schema: proto, message: 'Row' },
      each((row, request_id) => Buffer.from(message.encode(message.create({ request_id, ...row })).finish())),
    ),
    await path(
      'MessagePack',
      { format: 'msgpack' },
      each((row, request_id) => Buffer.from(encode({ request_id, ...row }))),
    ),
  ];
  return compare(candidates, 15, 150, processorTime);
}

async function path(name: string, input: object | undefined, bodies: readonly Buffer[]): Promise<Candidate> {
  const { model } = await openModel('diabetes', '1.0.0', input === undefined ? {} : { input });
  const scoring = createScoring({
    decoder: createDecoder(allCodecs(), { inputOf: () => model.card.input }),
    renderDeadLetter: createDeadLetterRenderer(MAX_BODY_BYTES, Date.now),
    catalog: catalogOf(model),
    clock: Date.now,
    requestTimeoutMs: undefined,
    maxBodyBytes: MAX_BODY_BYTES,
    log: quiet,
  });
  const batch = readBatch(bodies, metadataOf(BATCH), { hub: 'requests', consumerGroup: 'c' });
  return {
    name,
    async run() {
      const scored = await scoring.score(batch, signal);
      if (scored.arms.some(({ kind }) => kind !== 'result')) throw new Error(`${name}: these rows are good ones`);
      return BATCH;
    },
  };
}
