import { asError, InfrastructureError, RequestError } from '../core/errors.ts';
import type { Catalog, ModelVersion, Route } from '../core/model.ts';
import type { Request } from '../core/request.ts';
import { abortable } from './abortable.ts';
import type { Group, Run } from './run.ts';

type Answer = Route | RequestError;

/**
 * Sends every request to the version that answers it; refuses those that none does. The catalog is asked once for every model and version
 * that the requests name, and for each request alone where a rollout chooses by routing key. What is not loaded yet loads side by side.
 * @throws InfrastructureError where storage is away and nothing is loaded.
 */
export async function route(run: Run, catalog: Catalog): Promise<Iterable<Group>> {
  const asked = new Map<string, Answer | Promise<Answer>>();
  const groups = new Map<ModelVersion, Group>();
  for (const request of run.requests) {
    const key = keyOf(request);
    if (!asked.has(key)) asked.set(key, ask(catalog, request));
  }
  if ([...asked.values()].some(isPending)) {
    const answers = await abortable(Promise.all(asked.values()), run.signal);
    for (const [index, key] of [...asked.keys()].entries()) asked.set(key, answers[index] as Answer);
  }
  for (let place = 0; place < run.requests.length; place++) {
    const request = run.requests[place] as Request;
    let answer = asked.get(keyOf(request)) as Answer;
    if (!(answer instanceof RequestError) && answer.variant !== undefined) {
      const own = ask(catalog, request);
      answer = isPending(own) ? await abortable(own, run.signal) : own;
    }
    if (answer instanceof RequestError) {
      run.refuse(place, answer);
      continue;
    }
    run.routes[place] = answer;
    const group = groups.get(answer.version);
    if (group === undefined) groups.set(answer.version, { version: answer.version, places: [place] });
    else group.places.push(place);
  }
  return groups.values();
}

function keyOf({ model, modelVersion }: Request): string {
  return `${model ?? ''}\0${modelVersion ?? ''}`;
}

function isPending(answer: Answer | Promise<Answer>): answer is Promise<Answer> {
  return answer instanceof Promise;
}

function ask(catalog: Catalog, { model, modelVersion, routingKey }: Request): Answer | Promise<Answer> {
  try {
    const answer = catalog.route(model, modelVersion, routingKey);
    return answer instanceof Promise ? answer.catch(refusal) : answer;
  } catch (thrown) {
    return refusal(thrown);
  }
}

function refusal(thrown: unknown): RequestError {
  if (thrown instanceof InfrastructureError) throw thrown;
  if (thrown instanceof RequestError) return thrown;
  const cause = asError(thrown);
  return new RequestError('unexpected', 'route', cause.message, { cause });
}
