import { asError, RequestError } from '../../core/errors.ts';
import type { Group } from '../group.ts';
import type { Run } from '../run.ts';

/** Adds the instances of parsed requests to their group's rows; refuses those that do not fit, and those whose time is up. */
export function fillRows(group: Group, places: readonly number[], run: Run): void {
  const now = run.clock();
  for (const place of places) {
    if (run.refuseLate(place, now)) continue;
    try {
      const request = run.request(place);
      const { from, to, several, bad } = group.rows.add(request.features, request);
      run.moveTo(place, from);
      run.list(place, several ? to - from : 0);
      if (bad !== undefined) run.gapsOf(place, to - from + bad.size).leaveOut(bad);
    } catch (thrown) {
      run.refuse(place, asRefusal(thrown));
    }
  }
}

function asRefusal(thrown: unknown): RequestError {
  if (thrown instanceof RequestError) return thrown;
  const cause = asError(thrown);
  return new RequestError('unexpected', 'validate', cause.message, { cause });
}
