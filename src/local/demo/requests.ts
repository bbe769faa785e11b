import type { SampleRequest } from './samples.ts';

/** An event for the requests hub. */
export interface DemoEvent {
  readonly body: string;
  readonly partitionKey: string;
  /** Requests it carries. */
  readonly requests: number;
}

/** A number in [0, 1). */
export type Random = () => number;

interface DemoRequest {
  request_id: string;
  model: string;
  model_version?: string;
  features: unknown;
}

const CUSTOMERS = 40;
const BAD_SHARE = 0.01;
const SEVERAL_SHARE = 0.03;
const WEIGHTS: Readonly<Record<string, number>> = { diabetes: 4, churn: 3, topic: 2, sentiment: 2 };
/** Ways to name a version, and none, which is the usual one. */
const VERSIONS = [undefined, undefined, undefined, '1.0.0', '1.0.0', '1.1.0', 'v1', 'production'];

/**
 * An endless supply of varied events made of the sample requests: every model and version, arrays, objects and bare texts, now and then
 * several instances or several requests in one event, and about one in a hundred that cannot be scored.
 */
export function createDemoEvents(samples: ReadonlyMap<string, readonly SampleRequest[]>, random: Random) {
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
  const models = [...samples.keys()].flatMap(name => Array<string>(WEIGHTS[name] ?? 1).fill(name));
  let count = 0;

  const request = (): DemoRequest => {
    const model = pick(models);
    const sample = () => shaped(pick(samples.get(model) ?? []).features, random);
    const made: DemoRequest = { request_id: `req-${String(++count).padStart(6, '0')}`, model, features: sample() };
    const version = model === 'diabetes' ? pick(VERSIONS) : undefined;
    if (version) made.model_version = version;
    if (random() < SEVERAL_SHARE) made.features = [made.features, sample(), sample()].map(asInstance);
    return made;
  };

  let partitionKey = '';
  return (): DemoEvent => {
    // customers come back a few times in a row, as they do, which also makes batches of one key
    if (partitionKey === '' || random() < 0.25) partitionKey = `customer-${1 + Math.floor(random() * CUSTOMERS)}`;
    if (random() < BAD_SHARE) return { body: spoil(request(), pick(SPOILERS)), partitionKey, requests: 1 };
    if (random() < SEVERAL_SHARE) {
      return { body: JSON.stringify([request(), request()]), partitionKey, requests: 2 };
    }
    return { body: JSON.stringify(request()), partitionKey, requests: 1 };
  };
}

/** The same instance in one of the forms that producers send, its measurements a little different each time. */
function shaped(features: SampleRequest['features'], random: Random): unknown {
  if (Array.isArray(features)) {
    return features.map(value => (typeof value === 'number' ? round(value * (0.95 + random() / 10)) : value));
  }
  const values = Object.values(features);
  if (random() < 0.7) return features;
  return values.length === 1 ? values[0] : values;
}

/** Several instances stand in an array, where a bare text would be taken for a feature. */
const asInstance = (features: unknown) => (typeof features === 'string' ? [features] : features);

const round = (value: number) => Math.round(value * 1000) / 1000;

type Spoiler = 'too few' | 'not a number' | 'unknown model' | 'cut off' | 'nothing';
const SPOILERS: readonly Spoiler[] = ['too few', 'not a number', 'unknown model', 'cut off', 'nothing'];

function spoil(request: DemoRequest, how: Spoiler): string {
  const array = [63, 1, 24.4, 73, 160, 91.4, 48, 3, 4.6];
  switch (how) {
    case 'too few':
      return JSON.stringify({ ...request, model: 'diabetes', features: array });
    case 'not a number':
      return JSON.stringify({ ...request, model: 'diabetes', features: [...array, 'high'] });
    case 'unknown model':
      return JSON.stringify({ ...request, model: 'chrun' });
    case 'cut off':
      return JSON.stringify(request).slice(0, -9);
    case 'nothing':
      return JSON.stringify({ request_id: request.request_id, model: request.model });
  }
}
