import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { HttpReply, HttpRequest } from './http.ts';

const pack = promisify(gzip);
/** Below it the headers of packing are more than it saves. */
const WORTH_IT = 1400;

/** The reply, packed where it is long and who asks takes it so: metrics of fifty versions are 500 kB, and 25 packed. */
export async function packed(reply: HttpReply, { headers }: HttpRequest): Promise<HttpReply> {
  if (reply.body.length < WORTH_IT || !takesGzip(headers.get('accept-encoding') ?? '')) return reply;
  const body = await pack(reply.body);
  return { ...reply, headers: { ...reply.headers, 'content-encoding': 'gzip', vary: 'accept-encoding' }, body };
}

/** `gzip`, `*`, each perhaps with a quality, which is not 0 (RFC 9110, 12.5.3). */
function takesGzip(accepted: string): boolean {
  const codings = accepted.split(',').map(part =>
    part
      .trim()
      .toLowerCase()
      .split(/\s*;\s*q\s*=\s*/),
  );
  const quality = codings.find(([name]) => name === 'gzip') ?? codings.find(([name]) => name === '*');
  return quality !== undefined && Number(quality[1] ?? 1) > 0;
}
