import { BlobConflict, type Blobs } from '../core/blobs.ts';
import { asError } from '../core/errors.ts';
import { type AuditRecord, documentHash, lineOf, sha256 } from './audit-record.ts';
import { type Change, type ChangeOptions, changeDocument, type Decide, readDocument, type Tail } from './change.ts';
import type { DeploymentDocument } from './document.ts';

/** Where the trail is kept: a blob a month, to which nothing but the end is added. */
export type AuditBlobs = Pick<Blobs, 'list' | 'readText' | 'append'>;

/** A line of a trail, as its blob has it. */
export interface AuditLine {
  readonly path: string;
  /** From 1. */
  readonly line: number;
  readonly text: string;
}

/** Every line of a model's trail, oldest first. */
export async function readLines(audit: AuditBlobs, name: string, signal: AbortSignal): Promise<readonly AuditLine[]> {
  const lines: AuditLine[] = [];
  for (const { path } of await audit.list(`${name}/`, signal)) {
    const { text } = await audit.readText(path, signal, MAX_BLOB_BYTES);
    const found = text.split('\n');
    if (found.at(-1) === '') found.pop();
    lines.push(...found.map((text, i) => ({ path, line: i + 1, text })));
  }
  return lines;
}

const MAX_BLOB_BYTES = 64 * 1024 * 1024;

/** The last record of a trail; undefined where there is none. */
export async function readTail(audit: AuditBlobs, name: string, signal: AbortSignal): Promise<Tail | undefined> {
  const line = await lastLine(audit, name, signal);
  return line === undefined ? undefined : { revision: recordOf(line).revision, sha256: sha256(line) };
}

/** Who changed a model last, and what; undefined where nobody did. */
export async function readLastRecord(
  audit: AuditBlobs,
  name: string,
  signal: AbortSignal,
): Promise<AuditRecord | undefined> {
  const line = await lastLine(audit, name, signal);
  return line === undefined ? undefined : recordOf(line);
}

async function lastLine(audit: AuditBlobs, name: string, signal: AbortSignal): Promise<string | undefined> {
  const last = (await audit.list(`${name}/`, signal)).at(-1);
  if (last === undefined) return undefined;
  const { text } = await audit.readText(last.path, signal, MAX_BLOB_BYTES);
  return text.trimEnd().split('\n').at(-1) || undefined;
}

const recordOf = (line: string) => JSON.parse(line) as AuditRecord;

const TRIES = 8;

/**
 * Appends what waits in a document's outbox, in the order of revisions and each once however often it is tried, then takes it out of the outbox.
 * @throws BlobConflict where others keep changing it; InfrastructureError
 */
export async function appendOutbox(
  audit: AuditBlobs,
  name: string,
  options: Pick<ChangeOptions, 'store' | 'path' | 'signal'>,
): Promise<void> {
  const { store, path, signal } = options;
  for (let attempt = 1; ; attempt++) {
    try {
      const there = await readDocument(options);
      if (there === undefined || there.document.outbox.length === 0) return;
      const last = await appendNew(audit, name, there.document.outbox as readonly AuditRecord[], signal);
      const outbox = (there.document.outbox as readonly AuditRecord[]).filter(({ revision }) => revision > last);
      await store.writeText(
        path,
        `${JSON.stringify({ ...there.document, outbox }, null, 2)}\n`,
        { etag: there.etag },
        signal,
      );
      return;
    } catch (thrown) {
      if (!(thrown instanceof BlobConflict) || attempt === TRIES) throw thrown;
    }
  }
}

/** @returns the revision of the last record that is there now */
async function appendNew(
  audit: AuditBlobs,
  name: string,
  records: readonly AuditRecord[],
  signal: AbortSignal,
): Promise<number> {
  // Lengths before the tail: what somebody appends in between is in the tail, or makes the append fail; the other way round it would be appended twice.
  const there = new Map((await audit.list(`${name}/`, signal)).map(({ path, bytes }) => [path, bytes]));
  const tail = await readTail(audit, name, signal);
  let last = tail?.revision ?? Number.NEGATIVE_INFINITY;
  const months = new Map<string, AuditRecord[]>();
  for (const record of records) {
    if (record.revision <= last) continue;
    const path = `${name}/${record.at.slice(0, 7)}.ndjson`;
    months.set(path, [...(months.get(path) ?? []), record]);
  }
  for (const [path, mine] of months) {
    // Under its length: of two who append at the same moment one begins anew, and finds the other's there.
    await audit.append(path, mine.map(record => `${lineOf(record)}\n`).join(''), there.get(path) ?? 0, signal);
    last = (mine.at(-1) as AuditRecord).revision;
  }
  return last;
}

export interface Recorded extends Change {
  /** Why the record still waits in the outbox; undefined where it was appended. */
  readonly unwritten: Error | undefined;
}

/** Changes a document and has the record of it appended; what cannot be appended now waits in the outbox for whoever comes next. Throws as `changeDocument` does. */
export async function changeAndRecord(
  audit: AuditBlobs,
  name: string,
  options: Omit<ChangeOptions, 'tail'>,
  decide: Decide,
): Promise<Recorded> {
  const change = await changeDocument({ ...options, tail: () => readTail(audit, name, options.signal) }, decide);
  try {
    await appendOutbox(audit, name, options);
    return { ...change, unwritten: undefined };
  } catch (thrown) {
    return { ...change, unwritten: asError(thrown) };
  }
}

/** What a trail was found to be. */
export interface Verified {
  readonly records: readonly AuditRecord[];
  /** What does not hold, in words; none: it is whole. */
  readonly faults: readonly string[];
}

/** Holds a trail against itself and against the document that it tells of. @param document undefined: there is none */
export function verifyTrail(lines: readonly AuditLine[], document: DeploymentDocument | undefined): Verified {
  const records: AuditRecord[] = [];
  const faults: string[] = [];
  let previous: { readonly sha: string; readonly revision: number } | undefined;
  const waiting = (document?.outbox ?? []) as readonly AuditRecord[];
  const appended = new Set<number>();
  const take = (record: AuditRecord, text: string, where: string) => {
    if (record.previous_sha256 !== (previous?.sha ?? null)) {
      const before =
        previous === undefined
          ? 'something was before it that is not there'
          : `the record before it (revision ${previous.revision}) was altered, or one between them is missing`;
      faults.push(`${where}: revision ${record.revision}: ${before}`);
    }
    if (previous !== undefined && record.revision <= previous.revision) {
      faults.push(`${where}: revision ${record.revision} stands behind revision ${previous.revision}`);
    }
    previous = { sha: sha256(text), revision: record.revision };
    records.push(record);
  };
  for (const { path, line, text } of lines) {
    try {
      const record = JSON.parse(text) as AuditRecord;
      appended.add(record.revision);
      take(record, text, `${path}:${line}`);
    } catch (thrown) {
      faults.push(`${path}:${line}: not a record: ${asError(thrown).message}`);
    }
  }
  for (const record of waiting)
    if (!appended.has(record.revision)) take(record, lineOf(record), 'deployment.json, outbox');
  if (document === undefined) {
    if (records.length > 0) faults.push('the trail tells of a deployment.json, and there is none');
  } else if (document.audit_head !== undefined && document.audit_head !== previous?.sha) {
    faults.push(
      'the last record is not the one that deployment.json names: records behind it are missing, or it was altered',
    );
  } else if (records.at(-1)?.document_sha256 !== documentHash(document)) {
    faults.push(`foreign edit: deployment.json (revision ${document.revision}) says what no record tells of`);
  }
  return { records, faults };
}
