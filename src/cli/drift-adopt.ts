import { readFileSync } from 'node:fs';
import { openCodecs } from '../app/open-codecs.ts';
import { openReader } from '../app/open-events.ts';
import { createDecoder } from '../codecs/decoder.ts';
import { eventHubsConnection } from '../config/connection.ts';
import type { Settings } from '../config/settings.ts';
import { isPassedOver, isRequest } from '../core/codec.ts';
import type { ModelVersion } from '../core/model.ts';
import { rowsOf } from '../drift/instances.ts';
import { makeProfile, RowSample } from '../drift/make-profile.ts';
import { storeProfile } from '../drift/profile.ts';
import { NO_CARD, parseCard } from '../models/card.ts';
import { openModelFiles } from '../models/open-files.ts';
import { resolveVersion } from '../models/resolve-version.ts';
import { modelPath } from '../models/store.ts';
import { answerRows } from './answer-rows.ts';
import { readProfile } from './drift-show.ts';
import type { DriftOptions } from './drift-status.ts';
import { commandSettings } from './environment.ts';
import { openStore, withLoaders } from './model-room.ts';
import { jsonLine, printable } from './printable.ts';
import { pushProfile } from './push-profile.ts';
import { type FoundVersion, findStored, withDownloaded } from './stored-model.ts';
import { Refusal, type Terminal } from './terminal.ts';

const DAY_MS = 86_400_000;
const LEAST_ROWS = 100;

/** `hubscore drift NAME --adopt`: what a version was asked on its first day that the hub still holds becomes its reference, and says that it is no training data. */
export async function adoptReference(terminal: Terminal, name: string, { version, json }: DriftOptions): Promise<void> {
  const { signal, stdout } = terminal;
  const settings = commandSettings(terminal.environment, terminal.folder);
  const store = await openStore(settings);
  const found = await findStored(store, name, version, signal);
  const { stored } = found;
  if ((await readProfile(store, stored, signal)) !== undefined)
    throw new Refusal(`${name} ${stored.version} has a profile`, 'Nothing was adopted: a profile is immutable.');
  const { modifiedAt } = await store.properties(modelPath(stored), signal);
  const profile = await withDownloaded(settings, store, found, signal, files =>
    withLoaders(settings, async loaders => {
      const raw = files.card === undefined ? NO_CARD : parseCard(readFileSync(files.card), files.card);
      const opened = await openModelFiles({ ...stored, ...files }, raw, loaders);
      try {
        const only = settings.DEFAULT_MODEL === name || (await store.list(signal)).models.size === 1;
        const asked = await readFirstDay(settings, opened.version, found, only, modifiedAt?.getTime() ?? 0, signal);
        if (asked.rows.length < LEAST_ROWS)
          throw new Refusal(
            `the hub holds ${asked.rows.length} rows that ${name} ${stored.version} was asked on its first day`,
            `Nothing was adopted: ${LEAST_ROWS} at least are needed to know a distribution by.`,
          );
        const { features } = opened.version.card;
        const answers = await answerRows(opened.version, asked.rows, signal);
        return makeProfile({ features, rows: asked.rows, reference: asked.reference, answers });
      } finally {
        await opened.close();
      }
    }),
  );
  await pushProfile(store, stored, storeProfile(profile), signal);
  const { rows, reference } = profile;
  if (json)
    return void stdout.write(
      `${jsonLine({ model: name, version: stored.version, reference: { ...reference, rows } })}\n`,
    );
  const when = reference.kind === 'production' ? `${reference.from} to ${reference.to}` : '';
  stdout.write(
    `${printable(`${name} ${stored.version}`)} is held against production from now on, ${when}: ${rows} rows\n`,
  );
  stdout.write('That is no training data: drift from before it is not to be seen.\n');
}

/** Of every partition a day from the first request for the version that is still there. */
async function readFirstDay(
  settings: Settings,
  version: ModelVersion,
  { model, aliases, quarantine }: FoundVersion,
  isUsual: boolean,
  sinceMs: number,
  signal: AbortSignal,
) {
  const { card } = version;
  const layout = makeProfile({ features: card.features, rows: [], reference: { kind: 'training' } });
  const decoder = createDecoder(openCodecs(settings, Date.now), { inputOf: () => card.input });
  const known = { versions: [...model.versions.keys()], aliases, quarantined: new Set(Object.keys(quarantine)) };
  const sample = new RowSample<readonly unknown[]>();
  let [fromMs, toMs] = [Number.POSITIVE_INFINITY, 0];
  const reader = openReader(eventHubsConnection(settings), settings.REQUESTS_HUB, ['monitor']);
  const isMeant = (named: string | undefined, asked: string | undefined) =>
    (named === undefined ? isUsual : named === version.name) &&
    resolveVersion(known, asked).candidates[0] === version.version;
  const firstDay = async (partition: string): Promise<void> => {
    const { last, lastEnqueuedAtMs = 0, empty } = await reader.range(partition, signal);
    if (empty || lastEnqueuedAtMs < sinceMs) return;
    let endMs = Number.POSITIVE_INFINITY;
    for await (const block of reader.read(partition, { enqueuedAfterMs: sinceMs }, signal)) {
      for (const event of block) {
        if (event.enqueuedAtMs >= endMs) return;
        for (const decoded of await decoder.decode(event)) {
          if (isPassedOver(decoded) || !isRequest(decoded) || !isMeant(decoded.model, decoded.modelVersion)) continue;
          for (const row of rowsOf(decoded.features, decoded.ids !== undefined, layout)) sample.add(row);
          endMs = Math.min(endMs, event.enqueuedAtMs + DAY_MS);
          [fromMs, toMs] = [Math.min(fromMs, event.enqueuedAtMs), Math.max(toMs, event.enqueuedAtMs)];
        }
        if (event.sequenceNumber >= last) return;
      }
    }
  };
  try {
    for (const partition of (await reader.describe(signal)).partitions) await firstDay(partition);
  } finally {
    await reader.close();
  }
  const time = (ms: number) => new Date(Number.isFinite(ms) ? ms : 0).toISOString();
  const reference = { kind: 'production', from: time(fromMs), to: time(toMs) } as const;
  return { rows: sample.rows, reference };
}
