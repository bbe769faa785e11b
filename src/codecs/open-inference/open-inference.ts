import { readInputTensors } from '../../core/open-inference.ts';
import { isObject, type Shape } from '../event-json/shape.ts';

/** An Open Inference Protocol v2 inference request as an event's JSON, or one of several in it. */
export const openInference: Shape = {
  name: 'Open Inference Protocol v2',
  takes: body => Array.isArray(body.inputs),
  id: body => body.id ?? body.request_id,
  features: body => readInputTensors(body.inputs as unknown[]),
  parameters: body => (isObject(body.parameters) ? body.parameters : undefined),
};
