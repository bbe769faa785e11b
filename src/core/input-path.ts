import type { Event } from './event.ts';
import { nameOfType } from './words.ts';

/** Where a value of an event lies: `$.a.b[0]['c d']` below its record, `@property.x`, `@system.x`, `@key`, `@enqueued.hour` beside its body. */
export interface InputPath {
  readonly text: string;
  /** The last name of the path, by which what lies there is called elsewhere. */
  readonly name: string;
  readonly steps: readonly Step[];
  /** What it begins at. */
  readonly from: 'record' | 'property' | 'system' | 'key' | 'enqueued';
}

/** A member by name, an item by place, or all items. */
export type Step = string | number | typeof EVERY;
export const EVERY = Symbol('[*]');

/** A path that cannot be read; `position` counts its characters from 0. */
export class PathFault extends Error {
  override readonly name = 'PathFault';
}

const NAME = /[^.[\]'"*\s]+/y;
const QUOTED = /\[(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\]/y;
const INDEX = /\[(\d+)\]/y;
const ROOT = /\$|@(?:property|system|key|enqueued)(?![\w-])/y;
/** Parts of `@enqueued`, in UTC. */
const TIMES: Readonly<Record<string, (time: Date) => number>> = {
  ms: time => time.getTime(),
  year: time => time.getUTCFullYear(),
  month: time => time.getUTCMonth() + 1,
  day: time => time.getUTCDate(),
  weekday: time => time.getUTCDay() || 7, // Monday is 1
  hour: time => time.getUTCHours(),
  minute: time => time.getUTCMinutes(),
};

/** @param every whether `[*]` may stand in it. @throws PathFault that names the position. */
export function parsePath(text: string, every = false): InputPath {
  const fault = (at: number, expected: string) =>
    new PathFault(`${JSON.stringify(text)}: position ${at}: expected ${expected}`);
  const root = match(ROOT, text, 0);
  if (root === undefined) throw fault(0, '$, @property, @system, @key or @enqueued');
  const from = root[0] === '$' ? 'record' : (root[0].slice(1) as InputPath['from']);
  const steps: Step[] = [];
  for (let at = root[0].length; at < text.length; ) {
    const member = text[at] === '.' ? match(NAME, text, at + 1) : undefined;
    const quoted = match(QUOTED, text, at);
    const index = match(INDEX, text, at);
    if (member !== undefined) {
      steps.push(member[0]);
      at += 1 + member[0].length;
    } else if (quoted !== undefined) {
      steps.push((quoted[1] ?? quoted[2] ?? '').replace(/\\(.)/g, '$1'));
      at += quoted[0].length;
    } else if (index !== undefined) {
      steps.push(Number(index[1]));
      at += index[0].length;
    } else if (every && text.startsWith('[*]', at)) {
      steps.push(EVERY);
      at += 3;
    } else if (text[at] === '.') throw fault(at + 1, "a name; one with other characters is written ['c d']");
    else throw fault(at, `.name, ['name']${every ? ', [0] or [*]' : ' or [0]'}`);
  }
  const end = text.length;
  if ((from === 'property' || from === 'system') && steps.length !== 1) throw fault(root[0].length, 'one name');
  if (from === 'key' && steps.length > 0) throw fault(root[0].length, 'nothing more');
  if (from === 'enqueued' && (steps.length > 1 || (steps.length === 1 && !Object.hasOwn(TIMES, String(steps[0])))))
    throw fault(root[0].length + 1, `one of ${Object.keys(TIMES).join(', ')}`);
  if (every && (from !== 'record' || steps.at(-1) !== EVERY)) throw fault(end, '[*] at the end');
  const name = steps.findLast(step => typeof step === 'string');
  return { text, from, steps, name: name ?? (from === 'record' ? '$' : from) };
}

function match(pattern: RegExp, text: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text) ?? undefined;
}

/** What lies there; undefined where nothing does, null included. */
export function readPath({ from, steps }: InputPath, record: unknown, event: Event): unknown {
  if (from !== 'record') return besideBody(from, steps[0], event);
  let value: unknown = record;
  for (let i = 0; i < steps.length; i++) {
    value = stepInto(value, steps[i] as Step);
    if (value === undefined) return undefined;
  }
  return value ?? undefined;
}

/** The first of the paths that leads to something. */
export function readFirst(paths: readonly InputPath[], record: unknown, event: Event): unknown {
  for (let i = 0; i < paths.length; i++) {
    const value = readPath(paths[i] as InputPath, record, event);
    if (value !== undefined) return value;
  }
  return undefined;
}

function stepInto(value: unknown, step: Step): unknown {
  if (typeof value !== 'object' || value === null || step === EVERY) return undefined;
  if (Array.isArray(value)) return typeof step === 'number' ? value[step] : undefined;
  return Object.hasOwn(value, step) ? (value as Record<Step, unknown>)[step] : undefined;
}

function besideBody(from: InputPath['from'], step: Step | undefined, event: Event): unknown {
  if (from === 'key') return event.partitionKey;
  if (from === 'enqueued') {
    const time = new Date(event.enqueuedAtMs);
    return step === undefined ? time.toISOString() : TIMES[String(step)]?.(time);
  }
  const name = String(step);
  // The host lower-cases the first letter of the names that producers choose.
  if (from === 'property') return plain(event.properties[name.charAt(0).toLowerCase() + name.slice(1)]);
  return plain(event.system?.[name]);
}

/** Kafka headers are bytes, the SDKs read times. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8');
  return value instanceof Date ? value.toISOString() : (value ?? undefined);
}

/** Why nothing lies there, in words: how far the path leads, and what stands there instead. */
export function whyMissing(path: InputPath, record: unknown): string {
  if (path.from !== 'record') return `${path.text} is missing`;
  let value: unknown = record;
  let shown = '$';
  for (const step of path.steps) {
    const next = stepInto(value, step);
    if (next === undefined || next === null) break;
    value = next;
    shown += typeof step === 'number' ? `[${step}]` : `.${String(step)}`;
  }
  return `${path.text} is missing; ${shown} is ${nameOfType(value)}`;
}
