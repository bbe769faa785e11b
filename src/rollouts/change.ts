import { BlobConflict, BlobGone, type Blobs, BlobUnusable } from '../core/blobs.ts';
import type { Clock } from '../core/log.ts';
import { type AuditRecord, documentHash, lineOf, type Reason, sha256, summaryOf } from './audit-record.ts';
import {
  type Aliases,
  BadDeployment,
  type DeploymentDocument,
  type HistoryEntry,
  MAX_DEPLOYMENT_BYTES,
  NO_DOCUMENT,
  parseDocument,
  SCHEMA,
} from './document.ts';

/** A change that must not be made; the message says why. */
export class ChangeRefused extends Error {
  override readonly name = 'ChangeRefused';
}

/** What a deployment.json is to say from now on. */
export interface Decided {
  /** Revision, history and audit are seen to. */
  readonly document: DeploymentDocument;
  /** As the audit trail names it: `start`, `promote`, `rollback`, … */
  readonly action: string;
  readonly rollout?: string | undefined;
  readonly reason?: Reason | undefined;
  readonly cursors?: Readonly<Record<string, number>> | undefined;
  /** It is made though the audit trail cannot be written to: it takes harm away. */
  readonly isUrgent?: boolean;
}

/**
 * Decides by what is there; asked again where somebody else wrote first. Undefined: nothing is to be changed.
 * @param nowMs storage's clock where it says, else this machine's
 * @throws ChangeRefused
 */
export type Decide = (before: DeploymentDocument, nowMs: number) => Decided | undefined;

export interface Change {
  readonly before: DeploymentDocument;
  readonly after: DeploymentDocument;
}

/** The last record of a model's trail, as its container has it. */
export interface Tail {
  readonly revision: number;
  readonly sha256: string;
}

export interface ChangeOptions {
  readonly store: Pick<Blobs, 'readText' | 'writeText'>;
  /** Of deployment.json in the store. */
  readonly path: string;
  /** Who changes it, for the trail. */
  readonly actor: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Asked where the document knows no record: it is new, or somebody wrote it anew. Absent: there is none. */
  readonly tail?: (() => Promise<Tail | undefined>) | undefined;
}

const TRIES = 8;
/** Changes that events still in the hub may have to be routed by, and that results already sent bear. */
const MAX_HISTORY = 24;
/** Records wait here until they are appended; with them nothing must grow without bound. */
const MAX_OUTBOX = 64;

/**
 * Changes a deployment.json under its ETag: reads, decides, writes, and on a conflict again, so that of two writers each decides by what the other wrote. Its audit
 * record goes into the outbox by the same write.
 * @throws ChangeRefused where the change must not be made, or what is there cannot be read; BlobConflict after several tries; InfrastructureError
 */
export async function changeDocument(options: ChangeOptions, decide: Decide): Promise<Change> {
  const { store, path, signal } = options;
  for (let attempt = 1; ; attempt++) {
    const there = await readDocument(options);
    const nowMs = there?.answeredAtMs ?? options.clock();
    const before = there?.document ?? NO_DOCUMENT;
    const decided = decide(before, nowMs);
    if (decided === undefined) return { before, after: before };
    const after = recorded(before, decided, there !== undefined, await tailOf(before, options), options.actor, nowMs);
    const text = `${JSON.stringify(after, null, 2)}\n`;
    // Nobody would follow it.
    if (Buffer.byteLength(text) > MAX_DEPLOYMENT_BYTES) {
      throw new ChangeRefused(`${path}: more than ${MAX_DEPLOYMENT_BYTES} bytes`);
    }
    try {
      await store.writeText(path, text, there ? { etag: there.etag } : 'absent', signal);
      return { before, after };
    } catch (thrown) {
      if (!(thrown instanceof BlobConflict) || attempt === TRIES) throw thrown;
    }
  }
}

export interface StoredDocument {
  readonly document: DeploymentDocument;
  readonly etag: string;
  readonly answeredAtMs: number | undefined;
}

/** What is there; undefined where there is none. @throws ChangeRefused where it cannot be read */
export async function readDocument({
  store,
  path,
  signal,
}: Pick<ChangeOptions, 'store' | 'path' | 'signal'>): Promise<StoredDocument | undefined> {
  try {
    const { text, etag, answeredAtMs } = await store.readText(path, signal);
    return { document: parseDocument(text, path), etag, answeredAtMs };
  } catch (thrown) {
    if (thrown instanceof BlobGone) return undefined;
    if (thrown instanceof BlobUnusable) throw new ChangeRefused(thrown.message, { cause: thrown });
    if (thrown instanceof BadDeployment) throw new ChangeRefused(`${thrown.message}; mend it first`, { cause: thrown });
    throw thrown;
  }
}

async function tailOf({ audit_head }: DeploymentDocument, { tail }: ChangeOptions): Promise<Tail | undefined> {
  return audit_head === undefined ? await tail?.() : undefined;
}

/** The document with its revision, its history, and what the audit trail is to say of it. */
function recorded(
  before: DeploymentDocument,
  decided: Decided,
  wasThere: boolean,
  tail: Tail | undefined,
  actor: string,
  nowMs: number,
): DeploymentDocument {
  const known = before.audit_head === undefined ? tail : undefined;
  let head = before.audit_head ?? known?.sha256 ?? null;
  let revision = Math.max(before.revision, known?.revision ?? 0);
  const records: AuditRecord[] = [];
  const record = (about: Omit<AuditRecord, 'revision' | 'at' | 'previous_sha256'>) => {
    const { action, actor, ...more } = about;
    const whole = { revision, at: new Date(nowMs).toISOString(), actor, action, ...more, previous_sha256: head };
    records.push(whole);
    head = sha256(lineOf(whole));
  };
  const isForeign = wasThere && before.document_sha256 !== documentHash(before);
  if (isForeign) {
    revision++;
    record({
      actor: 'unknown',
      action: 'foreign edit',
      from: null,
      to: summaryOf(before),
      document_sha256: documentHash(before),
    });
  }
  revision++;
  const entry: HistoryEntry = {
    effective_at: before.effective_at,
    revision: before.revision,
    aliases: onlyProduction(before.aliases), // others are asked for by name, and go by what is in force now
    rollout: before.rollout,
  };
  const routing_history = wasThere ? [entry, ...before.routing_history].slice(0, MAX_HISTORY) : [];
  const changed = { ...decided.document, schema: SCHEMA, revision, routing_history };
  const { action, rollout, reason, cursors } = decided;
  const document_sha256 = documentHash(changed);
  record({ actor, action, rollout, from: summaryOf(before), to: summaryOf(changed), reason, cursors, document_sha256 });
  const outbox = [...before.outbox, ...records];
  if (outbox.length > MAX_OUTBOX && !decided.isUrgent) {
    throw new ChangeRefused(
      `${outbox.length - 1} audit records wait to be written: see that the audit container can be reached`,
    );
  }
  return { ...changed, document_sha256, audit_head: head ?? undefined, outbox };
}

function onlyProduction(aliases: Aliases): Aliases {
  return Object.fromEntries(Object.entries(aliases).filter(([alias]) => alias.toLowerCase() === 'production'));
}
