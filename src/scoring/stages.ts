import { asError, RequestError } from '../core/errors.ts';
import type { ModelVersion } from '../core/model.ts';
import { Interpreter } from './answers/interpret.ts';
import { ResultTemplate } from './result-template.ts';
import { Encoder } from './rows/rows.ts';

/** What is worked out once for a model version, which never changes. */
export interface Stages {
  readonly encoder: Encoder;
  readonly interpreter: Interpreter;
  readonly template: ResultTemplate;
}

const known = new WeakMap<ModelVersion, Stages>();

/** @throws RequestError model_unavailable where the version's card does not fit its signature. */
export function stagesOf(version: ModelVersion): Stages {
  let stages = known.get(version);
  if (stages === undefined) {
    stages = compile(version);
    known.set(version, stages);
  }
  return stages;
}

function compile(version: ModelVersion): Stages {
  try {
    return {
      encoder: new Encoder(version),
      interpreter: new Interpreter(version),
      template: new ResultTemplate(version),
    };
  } catch (thrown) {
    const cause = asError(thrown);
    const message = `${version.name} ${version.version} cannot serve: ${cause.message}`;
    throw new RequestError('model_unavailable', 'route', message, { cause });
  }
}
