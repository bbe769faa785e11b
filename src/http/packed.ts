import { promisify } from 'node:util';
import { deflate, gzip } from 'node:zlib';
import type { HttpReply, HttpRequest } from './http.ts';

/** In the order of preference where a client has none. */
const PACK = { gzip: promisify(gzip), deflate: promisify(deflate) } as const;
/** Below it the headers of packing are more than it saves. */
const WORTH_IT = 860;

/** The reply, packed where it is long and who asks takes it so: metrics of fifty versions are 500 kB, and 25 packed. */
export async function packed(reply: HttpReply, { headers }: HttpRequest): Promise<HttpReply> {
  if (reply.body.length < WORTH_IT) return reply;
  const coding = codingFor(headers.get('accept-encoding') ?? '');
  if (coding === undefined) return reply;
  const body = await PACK[coding](reply.body);
  return { ...reply, headers: { ...reply.headers, 'content-encoding': coding, vary: 'accept-encoding' }, body };
}

/** The one with the highest quality that is not 0 (RFC 9110, 12.5.3); `*` stands for those that are not named. */
function codingFor(accepted: string): keyof typeof PACK | undefined {
  const qualities = new Map(
    accepted.split(',').map(part => {
      const [name = '', quality = '1'] = part
        .trim()
        .toLowerCase()
        .split(/\s*;\s*q\s*=\s*/);
      return [name, Number(quality)];
    }),
  );
  const qualityOf = (name: string): number => qualities.get(name) ?? qualities.get('*') ?? 0;
  const [best] = (Object.keys(PACK) as (keyof typeof PACK)[])
    .filter(name => qualityOf(name) > 0)
    .sort((one, other) => qualityOf(other) - qualityOf(one));
  return best;
}
