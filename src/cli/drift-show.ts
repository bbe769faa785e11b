import { hash } from 'node:crypto';
import { modelStorageConnection } from '../config/connection.ts';
import { BlobGone } from '../core/blobs.ts';
import { MAX_PROFILE_BYTES, PROFILE_FILE, type Profile, parseProfile } from '../drift/profile.ts';
import { readDrift } from '../drift/read-drift.ts';
import { besidePath, type ModelStore, type StoredVersion } from '../models/store.ts';
import { type DriftOptions, type DriftSaid, driftSaid, type WindowSaid } from './drift-status.ts';
import { commandSettings } from './environment.ts';
import { openStore } from './model-room.ts';
import { jsonLine, printable } from './printable.ts';
import { findStored } from './stored-model.ts';
import { type Paint, paintFor, type Terminal } from './terminal.ts';

const EXIT = { ok: 0, warning: 0, alarm: 2, unknown: 3 } as const;
const COLOURS = { ok: 'green', warning: 'yellow', alarm: 'red', unknown: 'dim' } as const;

export async function showDrift(
  terminal: Terminal,
  name: string,
  { version, json, check }: DriftOptions,
): Promise<void> {
  const { signal, stdout } = terminal;
  const settings = commandSettings(terminal.environment, terminal.folder);
  const store = await openStore(settings);
  const { stored } = await findStored(store, name, version, signal);
  const { createBlobs } = await import('../azure/blobs.ts');
  const monitor = createBlobs(modelStorageConnection(settings), settings.MONITOR_CONTAINER);
  const found = await readProfile(store, stored, signal);
  const reports = (await readDrift(monitor, signal)).filter(
    each => each.model === name && each.version === stored.version && each.profile === found?.id,
  );
  const said = driftSaid(name, stored.version, found?.profile, reports);
  if (json) stdout.write(`${jsonLine(said)}\n`);
  else for (const line of driftLines(said, paintFor(stdout))) stdout.write(`${line}\n`);
  if (check) terminal.setExitCode(EXIT[said.status]);
}

/** @returns undefined where the version has none @throws Error where it does not parse */
export async function readProfile(
  store: ModelStore,
  stored: StoredVersion,
  signal: AbortSignal,
): Promise<{ readonly profile: Profile; readonly id: string } | undefined> {
  const path = besidePath(stored, PROFILE_FILE);
  try {
    const { text } = await store.readText(path, signal, MAX_PROFILE_BYTES);
    return { profile: parseProfile(text, path), id: hash('sha256', text).slice(0, 8) };
  } catch (thrown) {
    if (thrown instanceof BlobGone) return undefined;
    throw thrown;
  }
}

export function driftLines({ model, version, status, reference, windows, next }: DriftSaid, paint: Paint): string[] {
  const lines = [`${paint('bold', printable(`${model} ${version}`))}  ${paint(COLOURS[status], status)}`];
  if (reference?.kind === 'training')
    lines.push(
      printable(
        `held against the training data: ${reference.rows} rows${reference.file ? ` of ${reference.file}` : ''}`,
      ),
    );
  if (reference?.kind === 'production')
    lines.push(
      `held against production, ${reference.from} to ${reference.to}: ${reference.rows} rows; whether it was like the training data then, nobody knows`,
    );
  for (const [size, window] of Object.entries(windows)) lines.push(...windowLines(size, window, paint));
  return [...lines, next];
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

function windowLines(
  size: string,
  { from, to, rows, status, features, dead_letters }: WindowSaid,
  paint: Paint,
): string[] {
  const short = (time: string) => `${time.slice(0, 10)} ${time.slice(11, 16)}`;
  const lines = [
    `${size.padEnd(4)} ${short(from)} to ${short(to)} UTC, ${rows} rows: ${paint(COLOURS[status], status)}`,
  ];
  for (const feature of features) {
    if (feature.status === 'ok') continue;
    const words: string[] = [];
    if (feature.js !== undefined && feature.moved !== undefined) {
      const { bin, reference, now } = feature.moved;
      words.push(
        `JS ${feature.js.toFixed(3)}, PSI ${feature.psi?.toFixed(3)}; ${bin}: ${percent(reference)}, now ${percent(now)}`,
      );
    }
    for (const { rule, bad, trials, limit, alarm } of feature.quality) {
      if (alarm) words.push(`${rule.replaceAll('_', ' ')}: ${bad} of ${trials}, where ${percent(limit)} are in order`);
    }
    lines.push(
      `  ${paint(COLOURS[feature.status], feature.status.padEnd(7))} ${printable(`${feature.feature}: ${words.join('; ')}`)}`,
    );
  }
  for (const { code, bad, trials, alarm } of dead_letters) {
    if (alarm) lines.push(`  ${paint('red', 'alarm  ')} dead letters ${code}: ${bad} of ${trials} requests`);
  }
  const fine = features.filter(feature => feature.status === 'ok').length;
  return [...lines, `  ${paint('green', 'ok     ')} ${fine} of ${features.length}`];
}
