import { readFileSync } from 'node:fs';
import { BlobGone } from '../core/blobs.ts';
import { asError } from '../core/errors.ts';
import { NO_CARD, parseCard } from '../models/card.ts';
import { GOLDEN_FILE, parseGolden } from '../models/golden.ts';
import { openModelFiles } from '../models/open-files.ts';
import { besidePath } from '../models/store.ts';
import { commandSettings } from './environment.ts';
import { openStore, withLoaders } from './model-room.ts';
import { jsonLine, printable } from './printable.ts';
import { replayGolden } from './replay-golden.ts';
import { findStored, withDownloaded } from './stored-model.ts';
import { Refusal, type Terminal } from './terminal.ts';

/** `hubscore models verify NAME VERSION`: replays its golden rows here, as it was done when it was pushed. */
export async function verifyVersion(
  terminal: Terminal,
  name: string,
  asked: string,
  { json }: { readonly json?: boolean },
): Promise<void> {
  const { signal, stdout } = terminal;
  const settings = commandSettings(terminal.environment, terminal.folder);
  const store = await openStore(settings);
  const found = await findStored(store, name, asked, signal);
  const { version } = found.stored;
  const path = besidePath(found.stored, GOLDEN_FILE);
  const golden = await store.readText(path, signal).catch(thrown => {
    if (!(thrown instanceof BlobGone)) throw thrown;
    throw new Refusal(
      `${path} is not there`,
      'Nothing was verified: push the version with golden rows beside its file.',
    );
  });
  const faults = await withDownloaded(settings, store, found, signal, files =>
    withLoaders(settings, async loaders => {
      const raw = files.card === undefined ? NO_CARD : parseCard(readFileSync(files.card), files.card);
      const opened = await openModelFiles({ ...found.stored, ...files }, raw, loaders).catch(thrown => {
        throw new Refusal(asError(thrown).message, 'It does not serve.', { cause: thrown });
      });
      try {
        return await replayGolden(opened.version, parseGolden(golden.text, path), settings, signal);
      } finally {
        await opened.close();
      }
    }),
  );
  const rows = parseGolden(golden.text, path).length;
  if (json) stdout.write(`${jsonLine({ name, version, rows, verified: faults.length === 0, faults })}\n`);
  else if (faults.length === 0)
    stdout.write(`${printable(`${name} ${version}`)}: ${rows} golden rows, answered as expected\n`);
  else for (const fault of faults) stdout.write(`${printable(`${path}: ${fault}`)}\n`);
  if (faults.length > 0) terminal.setExitCode(2);
}
