import type { Event } from '../../core/event.ts';
import type { RequestId } from '../../core/request.ts';
import type { Run } from '../run.ts';

const QUOTE = 34;
const BACKSLASH = 92;
const [SPACE, TILDE] = [32, 126];

/** As it stands in the event's body. */
export function copyId(run: Run, place: number, { body }: Event, into: Buffer, start: number): number {
  const end = run.idEnd(place);
  let at = start;
  for (let i = run.idStart(place); i < end; i++) into[at++] = body[i] as number;
  return at;
}

/** Nothing where the request gave none. */
export function writeId(id: RequestId | undefined, into: Buffer, start: number): number {
  if (id === undefined) return start;
  const plainEnd = typeof id === 'string' ? writePlain(id, into, start) : -1;
  return plainEnd >= 0 ? plainEnd : start + into.write(JSON.stringify(id), start, 'utf8');
}

/** A text of plain ASCII between quotes; -1 where it is none. */
function writePlain(text: string, into: Buffer, start: number): number {
  let at = start;
  into[at++] = QUOTE;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < SPACE || code > TILDE || code === QUOTE || code === BACKSLASH) return -1;
    into[at++] = code;
  }
  into[at++] = QUOTE;
  return at;
}
