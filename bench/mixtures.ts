import type { Catalog } from '../src/core/catalog.ts';
import type { ModelVersion } from '../src/core/model.ts';
import { InputTensors } from '../src/core/open-inference.ts';
import type { Request } from '../src/core/request.ts';
import type { Route } from '../src/core/routing.ts';
import { BatchEncoder } from '../src/hubs/encode-message.ts';
import { readBatch } from '../src/hubs/read-batch.ts';
import { writeEndings } from '../src/hubs/write-endings.ts';
import { planEndings } from '../src/ledger/plan-endings.ts';
import { type Arms, divide } from '../src/models/divide.ts';
import { routingStates } from '../src/rollouts/choose.ts';
import { parseDocument } from '../src/rollouts/document.ts';
import { metadataOf } from './function-path.ts';
import { type Candidate, compare, processorTime } from './harness.ts';
import { catalogOf, openModel } from './models.ts';
import { MAX_BODY_BYTES, openScoring } from './open-scoring.ts';
import { requestBodies, sampleFeatures } from './requests.ts';

const BATCH = 256;
const SOURCE = { hub: 'inference-requests', consumerGroup: 'inference-consumer' };
const { signal } = new AbortController();

/** What a batch costs an event whose rows are not all alike, beside the usual one: one odd event, ten, the arms of a rollout. */
export async function compareMixtures() {
  return compare(await mixtureCandidates(), 15, 150, processorTime);
}

/** What `compareMixtures` compares. */
export async function mixtureCandidates(): Promise<readonly Candidate[]> {
  const { model } = await openModel('diabetes', '1.0.0');
  const { model: candidate } = await openModel('diabetes', '1.0.0');
  const usual = requestBodies('diabetes', '1.0.0', BATCH);
  const malformed = usual.map((body, i) => (i === 128 ? Buffer.from('{"features":[1]}') : body));
  const offShape = usual.map((body, i) =>
    i % 25 === 7 ? Buffer.from(`{"priority":1,${body.toString().slice(1)}`) : body,
  );
  const metadata = keyed(metadataOf(BATCH));
  const path = (name: string, catalog: Catalog, bodies: readonly Buffer[]): Candidate => {
    const score = functionPath(catalog);
    return { name, run: () => score(bodies, metadata) };
  };
  return [
    path('usual', catalogOf(model), usual),
    path('one malformed of 256', catalogOf(model), malformed),
    path('ten off the shape of 256', catalogOf(model), offShape),
    path('canary at 5 %', rollout(model, candidate, 5), usual),
    path('canary at 50 %', rollout(model, candidate, 50), usual),
    path('rollout, all on production', rollout(model, candidate, 0), usual),
  ];
}

/** From the tensors of a binary body to answer columns, ns a row; what they are written as is left out. */
export async function measureTensors(rows = 1_000) {
  const { model } = await openModel('diabetes', '1.0.0');
  const features = sampleFeatures('diabetes', '1.0.0') as number[][];
  const data = new Float32Array(Array.from({ length: rows }, (_, i) => features[i % features.length] ?? []).flat());
  const name = model.signature.inputs[0]?.name ?? '';
  const scoring = openScoring(catalogOf(model));
  const request: Request = {
    resultId: 'http/1',
    requestId: undefined,
    model: 'diabetes',
    modelVersion: undefined,
    features: new InputTensors([{ name, shape: [rows, data.length / rows], datatype: 'FP32', data }]),
    priority: 1,
    enqueuedAtMs: Date.now(),
    timeoutMs: undefined,
    routingKey: 'k',
    segments: [],
  };
  const run = async () => {
    const [ending] = await scoring.predict([request], signal);
    if (ending?.kind !== 'answered') throw new Error('these rows are usual ones');
    return rows;
  };
  const bare = async () => {
    await model.backend.predict({ [name]: { type: 'float32', dims: [rows, data.length / rows], data } }, { signal });
    return rows;
  };
  return compare(
    [
      { name: 'the model alone', run: bare },
      { name: `${rows} × ${data.length / rows} FP32 to answer columns`, run },
    ],
    15,
    150,
    processorTime,
  );
}

/** From the host's buffers to bytes for the wire; results and dead letters counted. */
function functionPath(catalog: Catalog) {
  const scoring = openScoring(catalog);
  const encoder = new BatchEncoder(MAX_BODY_BYTES);
  return async (bodies: readonly Buffer[], metadata: unknown): Promise<number> => {
    const batch = readBatch(bodies, metadata, SOURCE);
    const scored = await scoring.score(batch, signal);
    const lastSequenceNumber = batch.events[bodies.length - 1]?.sequenceNumber ?? -1;
    const standing = { settledThrough: -1, ended: new Map<string, number>(), log: 0 };
    const { results, deadLetters } = planEndings(scored, standing, { partition: batch.partition, lastSequenceNumber });
    let written = 0;
    for (const messages of [deadLetters, results]) {
      encoder.reset();
      written += writeEndings(encoder, messages, 0);
    }
    if (written !== bodies.length) throw new Error(`${written} endings for ${bodies.length} requests`);
    return written;
  };
}

/** A key an event, as producers give them that order by customer. */
function keyed(metadata: unknown): unknown {
  const { systemPropertiesArray, ...rest } = metadata as { systemPropertiesArray: object[] };
  return {
    ...rest,
    systemPropertiesArray: systemPropertiesArray.map((properties, i) => ({
      ...properties,
      partitionKey: `customer-${i}`,
      'x-opt-partition-key': `customer-${i}`,
    })),
  };
}

/** Sends that share of the keys, in per cent, to the candidate. */
function rollout(production: ModelVersion, candidate: ModelVersion, share: number): Catalog {
  const at = new Date(0).toISOString();
  const document = parseDocument(
    JSON.stringify({
      revision: 7,
      effective_at: at,
      aliases: { production: '1.0.0' },
      rollout: {
        ...{ id: 'ro_7Q2', kind: 'canary', phase: 'running', candidate: '1.1.0', baseline: '1.0.0', weight: share },
        ...{ started_at: at, effective_at: at, duration: '24h', on_undecided: 'hold', alpha: 0.05, triggers: [] },
      },
    }),
    'bench',
  );
  const plain: Route = { version: production, requestedVersion: undefined, fallback: false, variant: undefined };
  const mark = { id: 'ro_7Q2', revision: 7 };
  const arms: Arms = {
    plain,
    production: { ...plain, variant: 'production', rollout: mark },
    candidate: { ...plain, version: candidate, variant: 'candidate', rollout: mark },
  };
  const states = routingStates(document);
  const routing = divide(states, new Map(states.map(state => [state, arms])), plain);
  return { ...catalogOf(production), routing: () => routing };
}
