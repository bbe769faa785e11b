import { eventHubsConnection } from '../config/connection.ts';
import type { Settings } from '../config/settings.ts';
import { asError } from '../core/errors.ts';
import type { AuditRecord } from '../rollouts/audit-record.ts';

/** The group that the sweep reads by. */
const GROUP = 'monitor';

/** What the hubs say of the counts that decisions were made by: what differs, and what cannot be said any more, in words. */
export async function recountDecisions(
  settings: Settings,
  model: string,
  records: readonly AuditRecord[],
  signal: AbortSignal,
): Promise<{ readonly faults: readonly string[]; readonly unproven: readonly string[] }> {
  const faults: string[] = [];
  const unproven: string[] = [];
  const decisions = records.filter(({ reason, cursors }) => reason?.trigger !== undefined && cursors !== undefined);
  if (decisions.length === 0) return { faults, unproven };
  const [{ openReader }, { recount }, { proveReason }] = await Promise.all([
    import('../app/open-events.ts'),
    import('../sweep/recount.ts'),
    import('../verdicts/prove-reason.ts'),
  ]);
  const connection = eventHubsConnection(settings);
  const open = (hub: string) => openReader(connection, hub, [GROUP, '$Default'], 1_000);
  const hubs = [
    { kind: 'results', reader: open(settings.RESULTS_HUB) },
    { kind: 'dead-letters', reader: open(settings.DEAD_LETTER_HUB) },
  ] as const;
  const recountAll = (cursors: Readonly<Record<string, number>>) =>
    Promise.all(
      Object.entries(cursors).flatMap(([place, through]) => {
        const slash = place.lastIndexOf('/');
        const hub = hubs.find(({ reader }) => reader.hub === place.slice(0, slash));
        return hub ? [recount(hub.reader, hub.kind, place.slice(slash + 1), through, signal)] : [];
      }),
    );
  try {
    for (const record of decisions) {
      const started = records.find(({ action, rollout }) => action === 'start' && rollout === record.rollout);
      const proof = await proveReason(record, model, started && Date.parse(started.at), recountAll);
      if (proof?.kind === 'fault') faults.push(proof.words);
      if (proof?.kind === 'unproven') unproven.push(proof.words);
    }
  } catch (thrown) {
    signal.throwIfAborted();
    unproven.push(`the hubs cannot be read: ${asError(thrown).message}`);
  } finally {
    await Promise.allSettled(hubs.map(({ reader }) => reader.close()));
  }
  return { faults, unproven };
}
