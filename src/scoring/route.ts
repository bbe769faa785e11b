import type { Catalog } from '../core/catalog.ts';
import { asError, InfrastructureError, RequestError } from '../core/errors.ts';
import type { Request } from '../core/request.ts';
import type { Route, Routing } from '../core/routing.ts';
import { abortable } from '../core/waiting.ts';
import type { Group, Way } from './group.ts';
import type { Run } from './run.ts';

type Answer = Routing | RequestError;

/**
 * Sends every request that has no way yet to the version that answers it; refuses those that none does. The catalog is asked once for every model and version
 * that the requests name; what is not loaded yet loads side by side.
 * @returns by group, the places of the requests that were sent to it just now
 * @throws InfrastructureError where storage is away and nothing is loaded; the signal's reason where it is aborted.
 */
export async function route(run: Run, catalog: Catalog): Promise<ReadonlyMap<Group, readonly number[]>> {
  run.signal.throwIfAborted();
  const sent = new Map<Group, number[]>();
  const places = unroutedPlaces(run);
  if (places.length === 0) return sent;
  const asked = askAll(run, places, catalog);
  const answers = asked instanceof Promise ? await abortable(asked, run.signal) : asked;
  let way: Way | undefined;
  let mine: number[] = [];
  places.forEach((place, i) => {
    const chosen = routeOf(answers[i] as Answer, run, place);
    if (chosen instanceof RequestError) {
      run.refuse(place, chosen);
      return;
    }
    // Neighbours mostly go the same way.
    if (way?.route !== chosen) {
      way = run.wayOf(chosen);
      mine = sent.get(way.group) ?? [];
      sent.set(way.group, mine);
    }
    run.ways[place] = way;
    mine.push(place);
  });
  return sent;
}

function unroutedPlaces(run: Run): number[] {
  const places: number[] = [];
  for (let place = 0; place < run.count; place++) {
    if (run.ways[place] === undefined && !run.refusals.has(place)) places.push(place);
  }
  return places;
}

function routeOf(answer: Answer, run: Run, place: number): Route | RequestError {
  if (answer instanceof RequestError) return answer;
  if (answer.route !== undefined) return answer.route;
  const { routingKey, segments, enqueuedAtMs } = run.request(place);
  try {
    const { route, bucket } = answer.choose(routingKey, segments, enqueuedAtMs);
    run.keepBucket(place, bucket);
    return route;
  } catch (thrown) {
    return refusal(thrown);
  }
}

/** In the order of the places; a promise only where something is not loaded. Neighbours mostly ask for the same. */
function askAll(run: Run, places: readonly number[], catalog: Catalog): readonly Answer[] | Promise<readonly Answer[]> {
  const asked = new Map<string, Answer | Promise<Answer>>();
  const answers: (Answer | Promise<Answer>)[] = [];
  let previous: Request | undefined;
  let answer: Answer | Promise<Answer> | undefined;
  for (const place of places) {
    const request = run.request(place);
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

function ask(catalog: Catalog, { model, modelVersion }: Request): Answer | Promise<Answer> {
  try {
    const answer = catalog.routing(model, modelVersion);
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
