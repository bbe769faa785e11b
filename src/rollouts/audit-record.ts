import { createHash } from 'node:crypto';
import type { DeploymentDocument } from './document.ts';

/** What a change was for, where a trigger brought it. */
export interface Reason {
  readonly trigger?: string;
  readonly s?: number;
  readonly n?: number;
  readonly estimate?: number;
  readonly interval?: readonly [number, number];
  readonly evidence?: number;
  readonly threshold?: number;
  readonly text?: string;
  /** Where the bad trials pile up, in words, what explains most first. */
  readonly blame?: readonly string[];
}

/** One change of a deployment.json, as the audit trail has it: a line of JSON. */
export interface AuditRecord {
  readonly revision: number;
  /** Storage's clock where it says, ISO 8601. */
  readonly at: string;
  readonly actor: string;
  readonly action: string;
  /** Its id, where the change is of one. */
  readonly rollout?: string | undefined;
  readonly from: unknown;
  readonly to: unknown;
  readonly reason?: Reason | undefined;
  /** `hub/partition` → the last sequence number that the decision rests on. */
  readonly cursors?: Readonly<Record<string, number>> | undefined;
  /** Of the document after the change, see `documentHash`. */
  readonly document_sha256: string;
  /** Of the previous record's line, without its newline; null in the first one. */
  readonly previous_sha256: string | null;
}

/** A record as it is appended, without its newline; what is hashed. */
export function lineOf(record: AuditRecord): string {
  return JSON.stringify(record);
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** SHA-256 of what a document says, whatever the order of its fields; what only keeps the trail is left out. */
export function documentHash(document: DeploymentDocument): string {
  const { audit_head: _, document_sha256: __, outbox: ___, ...said } = document;
  return sha256(JSON.stringify(said, sorted));
}

function sorted(_: string, value: unknown): unknown {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
  const entries = Object.entries(value).filter(([, field]) => field !== undefined);
  return Object.fromEntries(entries.sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** Records wait within the document, which must stay small. */
const MAX_ALIASES = 50;

/** Of a document what a person wants to see of a change. */
export function summaryOf({ aliases, rollout, quarantine }: DeploymentDocument): Record<string, unknown> {
  const { id, kind, phase, candidate, baseline, weight } = rollout ?? {};
  const names = Object.keys(aliases);
  const shown = names.length > MAX_ALIASES ? names.filter(name => /^(production|previous)$/i.test(name)) : names;
  return {
    aliases: Object.fromEntries(shown.map(name => [name, aliases[name]])),
    ...(rollout && { rollout: { id, kind, phase, candidate, baseline, weight } }),
    ...(Object.keys(quarantine).length > 0 && { quarantine }),
  };
}
