import { asError, InfrastructureError, RequestError } from '../core/errors.ts';
import type { Catalog, ModelVersion, Route } from '../core/model.ts';
import type { Request } from '../core/request.ts';
import { abortable } from '../core/waiting.ts';
import type { Group, Run } from './run.ts';

type Answer = Route | RequestError;

/**
 * Sends every request to the version that answers it; refuses those that none does. The catalog is asked once for every model and version
 * that the requests name, and for each request alone where a rollout chooses by routing key. What is not loaded yet loads side by side.
 * @throws InfrastructureError where storage is away and nothing is loaded.
 */
export async function route(run: Run, catalog: Catalog): Promise<Iterable<Group>> {
  run.signal.throwIfAborted();
  const groups = new Map<ModelVersion, Group>();
  const asked = askAll(run.requests, catalog);
  const answers = asked instanceof Promise ? await abortable(asked, run.signal) : asked;
  for (let place = 0; place < answers.length; place++) {
    let answer = answers[place] as Answer;
    if (!(answer instanceof RequestError) && answer.variant !== undefined) {
      const chosen = ask(catalog, run.requests[place] as Request);
      answer = isPending(chosen) ? await abortable(chosen, run.signal) : chosen;
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

/** By place; a promise only where something is not loaded. Neighbours mostly ask for the same. */
function askAll(requests: readonly Request[], catalog: Catalog): readonly Answer[] | Promise<readonly Answer[]> {
  const asked = new Map<string, Answer | Promise<Answer>>();
  const answers: (Answer | Promise<Answer>)[] = [];
  let previous: Request | undefined;
  let answer: Answer | Promise<Answer> | undefined;
  for (const request of requests) {
    if (answer === undefined || request.model !== previous?.model || request.modelVersion !== previous?.modelVersion) {
      const key = JSON.stringify([request.model, request.modelVersion]);
      answer = asked.get(key) ?? ask(catalog, request);
      asked.set(key, answer);
    }
    answers.push(answer);
    previous = request;
  }
  return [...asked.values()].some(isPending) ? Promise.all(answers) : (answers as Answer[]);
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
