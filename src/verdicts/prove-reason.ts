import type { AuditRecord } from '../rollouts/audit-record.ts';
import { isShift, watchedBy } from '../rollouts/triggers.ts';
import { Counts } from '../sweep/counts.ts';
import type { Recount } from '../sweep/recount.ts';
import { trialsWatched } from './judge-trigger.ts';

/** Whether the hubs still say what a decision was made by. */
export type Proof =
  | { readonly kind: 'proven' }
  /** They say something else. */
  | { readonly kind: 'fault'; readonly words: string }
  /** It cannot be said any more, or not by them. */
  | { readonly kind: 'unproven'; readonly words: string };

/** Counts the candidate's trials up to the cursors of a decision. */
export type RecountAll = (cursors: Readonly<Record<string, number>>) => Promise<readonly Recount[]>;

/**
 * Holds the counts that a decision names against those in the hubs up to the same events: the same counts are the same evidence.
 * @returns undefined where the record is of no decision by evidence
 */
export async function proveReason(
  record: AuditRecord,
  model: string,
  startedAtMs: number | undefined,
  recountAll: RecountAll,
): Promise<Proof | undefined> {
  const { revision, rollout, reason, cursors } = record;
  const { trigger, s, n } = reason ?? {};
  if (trigger === undefined || cursors === undefined || rollout === undefined || s === undefined || n === undefined)
    return undefined;
  const about = `revision ${revision}: ${trigger}`;
  const watched = watchedBy(trigger);
  if (watched === undefined || watched.metric === 'accuracy_drop' || watched.metric === 'error_increase') {
    return { kind: 'unproven', words: `${about}: labels are not counted again, since later ones correct earlier ones` };
  }
  if (isShift(watched.metric))
    return { kind: 'unproven', words: `${about}: by what share each request was divided is not told by its result` };
  const counted = await recountAll(cursors);
  const isCut = counted.some(
    ({ sinceMs }) => sinceMs !== undefined && (startedAtMs === undefined || sinceMs > startedAtMs),
  );
  if (isCut) return { kind: 'unproven', words: `${about}: events that it rests on have expired` };
  const candidate = new Counts();
  for (const { group, counts } of counted.flatMap(({ groups }) => groups)) {
    if (group.model === model && group.rollout === rollout && group.variant === 'candidate') candidate.add(counts);
  }
  const { bad, trials } = trialsWatched(watched).of(candidate);
  if (bad === s && trials === n) return { kind: 'proven' };
  return {
    kind: 'fault',
    words: `${about} was decided by ${s} of ${n}; up to the same events the hubs hold ${bad} of ${trials}`,
  };
}
