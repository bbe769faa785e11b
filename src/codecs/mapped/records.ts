import { malformed } from '../../core/errors.ts';
import type { Event } from '../../core/event.ts';
import type { InputMapping } from '../../core/input.ts';
import { EVERY, readPath, type Step } from '../../core/input-path.ts';
import { nameOfType } from '../../core/words.ts';
import { parseExact } from './parse-exact.ts';

export interface Records {
  /** Undefined: the value is the record. */
  readonly records: readonly unknown[] | undefined;
  /** A record alone as the mapping finds it, for its dead letter. */
  wrap(record: unknown): unknown;
}

/** The records of an event's value. @throws RequestError malformed_payload where the card's path leads to none. */
export function recordsOf(value: unknown, { records: paths }: InputMapping): Records {
  if (paths === undefined) return { records: Array.isArray(value) ? value : undefined, wrap: record => record };
  for (const { steps } of paths) {
    const records = collect(value, steps);
    if (records !== undefined) return { records, wrap: record => steps.reduceRight(wrapped, record) };
  }
  throw malformed(`input.records: ${paths[0].text} leads to no list; the body is ${nameOfType(value)}`);
}

/** Undefined where a step leads nowhere. */
function collect(value: unknown, steps: readonly Step[]): readonly unknown[] | undefined {
  const at = steps.indexOf(EVERY);
  const list = readPath({ text: '', name: '', from: 'record', steps: steps.slice(0, at) }, value, NO_EVENT);
  if (!Array.isArray(list)) return undefined;
  const rest = steps.slice(at + 1);
  return rest.length === 0 ? list : list.flatMap(item => collect(item, rest) ?? []);
}

/** Paths of records do not lead beside the body. */
const NO_EVENT = {} as Event;

function wrapped(inner: unknown, step: Step): unknown {
  if (typeof step === 'string') return { [step]: inner };
  return typeof step === 'number' ? [...new Array(step).fill(null), inner] : [inner];
}

/** The records of a text with the digits of its numbers; read only if asked for. */
export class ExactRecords {
  readonly #json: string;
  readonly #input: InputMapping;
  #whole: unknown;
  #records: readonly unknown[] | undefined;

  constructor(json: string, input: InputMapping) {
    this.#json = json;
    this.#input = input;
  }

  get whole(): unknown {
    this.#whole ??= parseExact(this.#json);
    return this.#whole;
  }

  record(i: number): unknown {
    this.#records ??= recordsOf(this.whole, this.#input).records;
    return this.#records?.[i];
  }
}
