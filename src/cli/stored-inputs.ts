import { asError } from '../core/errors.ts';
import type { InputMapping, InputSource } from '../core/input.ts';
import { parseCard } from '../models/card.ts';
import { compileInput } from '../models/compile-input.ts';
import type { ModelStore } from '../models/store.ts';
import { findStored } from './stored-model.ts';

/** The mappings of the cards in storage, as they are now; no model is opened. What cannot be found has none. */
export function storedInputs(
  openStore: () => Promise<ModelStore>,
  defaultModel: string | undefined,
  signal: AbortSignal,
  warn: (message: string) => void,
): InputSource {
  let store: Promise<ModelStore> | undefined;
  const said = new Set<string>();
  const known = new Map<string, Promise<InputMapping | undefined> | InputMapping | undefined>();

  async function look(model: string | undefined, version: string | undefined): Promise<InputMapping | undefined> {
    try {
      store ??= openStore();
      const opened = await store;
      const name = model ?? defaultModel ?? (await onlyModel(opened, signal));
      if (name === undefined) return undefined;
      const { card, stored } = await findStored(opened, name, version, signal);
      if (card === undefined) return undefined;
      const file = `${stored.name}/${stored.version}/model.json`;
      return compileInput(parseCard(card, file).input, file);
    } catch (thrown) {
      if (signal.aborted) throw thrown;
      const why = asError(thrown).message;
      // Once for each cause: names come from producers.
      if (!said.has(why)) warn(`how events for ${model ?? 'the default model'} are read is not known: ${why}`);
      said.add(why);
      return undefined;
    }
  }

  return {
    inputOf(model, version) {
      const key = JSON.stringify([model, version]);
      if (known.has(key)) return known.get(key);
      const looked = look(model, version).then(found => {
        known.set(key, found);
        return found;
      });
      known.set(key, looked);
      return looked;
    },
  };
}

async function onlyModel(store: ModelStore, signal: AbortSignal): Promise<string | undefined> {
  const [only, another] = (await store.list(signal)).models.keys();
  return another === undefined ? only : undefined;
}
