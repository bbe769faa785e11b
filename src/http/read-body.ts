import { promisify } from 'node:util';
import { gunzip, inflate } from 'node:zlib';
import { asError, malformed } from '../core/errors.ts';
import { HttpProblem, type HttpRequest } from './http.ts';

/** Content codings (RFC 9110, 8.4.1) that bodies may have; `deflate` is zlib's format. */
const UNPACK = { gzip: promisify(gunzip), 'x-gzip': promisify(gunzip), deflate: promisify(inflate) } as const;

/**
 * A request's body, unpacked. @param maxBytes of it, packed or not
 * @throws HttpProblem 413 where it is larger, 415 where it is packed otherwise; RequestError malformed_payload where it is not what it says
 */
export async function readBody(request: HttpRequest, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const body = new Uint8Array(await request.arrayBuffer());
  if (body.length > maxBytes) throw tooLarge(maxBytes);
  const coding = (request.headers.get('content-encoding') ?? '').trim().toLowerCase();
  if (coding === '' || coding === 'identity') return body;
  const unpack = isKnown(coding) ? UNPACK[coding] : undefined;
  if (unpack === undefined)
    throw new HttpProblem(415, `content-encoding ${coding} is not taken; gzip and deflate are`, {
      'accept-encoding': 'gzip, deflate',
    });
  try {
    return await unpack(body, { maxOutputLength: maxBytes });
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(maxBytes);
    throw malformed(`the body is not ${coding}, as its content-encoding says: ${asError(thrown).message}`);
  }
}

function isKnown(coding: string): coding is keyof typeof UNPACK {
  return Object.hasOwn(UNPACK, coding);
}

function tooLarge(maxBytes: number): HttpProblem {
  return new HttpProblem(413, `the body may have ${maxBytes} bytes`);
}
