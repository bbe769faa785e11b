import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { eventHubsConnection } from '../config/connection.ts';
import type { Settings } from '../config/settings.ts';
import type { Event } from '../core/event.ts';
import type { ModelVersion } from '../core/model.ts';
import { NO_CARD, parseCard } from '../models/card.ts';
import { type ModelFiles, openModelFiles } from '../models/open-files.ts';
import { commandSettings } from './environment.ts';
import { locateModel } from './locate-model.ts';
import { openStore, withLoaders } from './model-room.ts';
import { findStored, withDownloaded } from './stored-model.ts';
import { CommandError, paintFor, type Terminal } from './terminal.ts';
import { type TriedRecord, tryEvent } from './try-event.ts';

export interface TryOptions {
  readonly version?: string;
  readonly contentType?: string;
  readonly key?: string;
  readonly property: readonly string[];
  readonly json?: boolean;
}

const RESULT_ID = /^([^/\s"{]+)\/(\d+)\/(\d+)(?:\/\d+)?$/;

/** `hubscore models try FILE|NAME REQUEST`: what becomes of an event, step by step; nothing is sent. */
export async function tryModel(terminal: Terminal, model: string, request: string, options: TryOptions): Promise<void> {
  const settings = commandSettings(terminal.environment, terminal.folder);
  const event = await eventOf(request, options, settings, terminal);
  await withVersion(terminal, settings, model, options.version, async version => {
    const records = await tryEvent(version, event, settings, terminal.signal);
    if (options.json)
      terminal.stdout.write(`${JSON.stringify({ model: version.name, version: version.label, records })}\n`);
    else show(terminal, version, records);
    if (records.some(({ error }) => error !== undefined)) terminal.setExitCode(1);
  });
}

async function withVersion(
  { folder, signal }: Terminal,
  settings: Settings,
  model: string,
  asked: string | undefined,
  work: (version: ModelVersion) => Promise<void>,
): Promise<void> {
  const open = (files: ModelFiles) =>
    withLoaders(settings, async loaders => {
      const raw = files.card === undefined ? NO_CARD : parseCard(readFileSync(files.card), files.card);
      const opened = await openModelFiles(files, raw, loaders);
      await work(opened.version).finally(opened.close);
    });
  const path = resolve(folder, model);
  if (existsSync(path)) {
    const { name = 'model', version = '0.0.0', ...found } = locateModel(path);
    return open({ ...found, name, version });
  }
  const store = await openStore(settings);
  const found = await findStored(store, model, asked, signal);
  await withDownloaded(settings, store, found, signal, files => open({ ...found.stored, ...files }));
}

async function eventOf(
  request: string,
  { contentType, key, property }: TryOptions,
  settings: Settings,
  { folder, signal }: Terminal,
): Promise<Event> {
  const [, hub, partition, sequenceNumber] = RESULT_ID.exec(request) ?? [];
  if (hub !== undefined) return sentEvent(hub, partition as string, Number(sequenceNumber), settings, signal);
  const properties = property.map((pair): [string, string] => {
    const at = pair.indexOf('=');
    if (at < 1) throw new CommandError(`--property ${pair}: no name=value`, 'Give it such as --property model=churn.');
    return [pair.slice(0, at), pair.slice(at + 1)];
  });
  return {
    body: request.startsWith('@') ? readFileSync(resolve(folder, request.slice(1))) : Buffer.from(request),
    sequenceNumber: 0,
    enqueuedAtMs: Date.now(),
    partitionKey: key,
    contentType,
    contentEncoding: undefined,
    properties: Object.fromEntries(properties),
  };
}

async function sentEvent(
  hub: string,
  partition: string,
  sequenceNumber: number,
  settings: Settings,
  signal: AbortSignal,
): Promise<Event> {
  const { openReader } = await import('../app/open-events.ts');
  const reader = openReader(eventHubsConnection(settings), hub, settings.RECOVERY_CONSUMER_GROUPS);
  try {
    const { first, last, empty } = await reader.range(partition, signal);
    if (empty || sequenceNumber < first || sequenceNumber > last)
      throw new CommandError(`${hub}/${partition}/${sequenceNumber} is not there`, `The hub has ${first} to ${last}.`);
    for await (const [event] of reader.read(partition, { sequenceNumber }, signal)) if (event) return event;
    throw new CommandError(`${hub}/${partition}/${sequenceNumber} cannot be read`, 'Try again.');
  } finally {
    await reader.close();
  }
}

const MAX_SHOWN = 2_000;

function show({ stdout }: Terminal, version: ModelVersion, records: readonly TriedRecord[]): void {
  const paint = paintFor(stdout);
  const passed = records.filter(({ passed_over }) => passed_over).length;
  const line = (name: string, value: unknown) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    stdout.write(
      `  ${paint('dim', name.padEnd(8))} ${text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)} …` : text}\n`,
    );
  };
  stdout.write(`${paint('bold', `${version.name} ${version.label}`)}\n`);
  line('decoded', `${records.length - passed} of ${records.length} records are requests, ${passed} passed over`);
  for (const { passed_over, request_id, features, carried, inputs, result, error } of records) {
    if (passed_over) continue;
    stdout.write(`${request_id === undefined ? 'a request without an id' : `request ${JSON.stringify(request_id)}`}\n`);
    if (features !== undefined) line('mapped', features);
    if (carried !== undefined) line('carried', carried);
    for (const [name, { type, shape, data }] of Object.entries(inputs ?? {}))
      line('encoded', `${name}: ${type}[${shape.join(',')}] ${JSON.stringify(data)}`);
    if (result !== undefined) line('answered', result);
    if (error !== undefined) line(paint('red', 'refused '), `${error.stage}, ${error.code}: ${error.message}`);
  }
}
