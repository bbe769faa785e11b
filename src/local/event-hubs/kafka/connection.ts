import type { Socket } from 'node:net';
import { writeVersions } from './api-versions.ts';
import { APIS } from './apis.ts';
import type { Answered, Api, KafkaClient, KafkaService } from './client.ts';
import { ProtocolError, Reader, Writer } from './codec.ts';
import { CODE } from './error-code.ts';
import { signIn } from './sasl.ts';

/** Brokers' own limit is 100 MiB; a batch is 1 MiB at most here, and a request has one a partition. */
const MAX_REQUEST_BYTES = 40 * 1024 * 1024;
/** Before it has signed in, nobody has much to say. */
const MAX_STRANGER_BYTES = 64 * 1024;
const API_VERSIONS = 18;
const BY_KEY = new Map(APIS.map(api => [api.key, api]));

/** Serves one connection until it ends: a request after the other, in their order, as brokers do. */
export async function serve(service: KafkaService, socket: Socket): Promise<void> {
  const end = new AbortController();
  socket.once('close', () => end.abort());
  const client: KafkaClient = {
    service,
    host: hostOf(socket.localAddress ?? ''),
    port: socket.localPort ?? 0,
    signal: end.signal,
    positions: new Map(),
    clientId: '',
    mechanism: undefined,
    isAuthorized: false,
    isRawSasl: false,
  };
  for await (const frame of frames(client, socket)) {
    const goesOn = await answer(client, frame, socket);
    if (!goesOn) break;
  }
  socket.end();
}

/** Some clients put host and port together with a colon, where `::1` would be misread. */
function hostOf(address: string): string {
  return address === '::1' ? 'localhost' : address.replace(/^::ffff:/, '');
}

/** The requests, whole. @throws ProtocolError where a length is none, as when something else than Kafka is spoken. */
async function* frames(client: KafkaClient, socket: Socket): AsyncGenerator<Buffer> {
  let chunks: Buffer[] = [];
  let bytes = 0;
  let needed = 4;
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes < needed) continue;
    let rest = chunks.length === 1 ? chunk : Buffer.concat(chunks);
    while (rest.length >= 4) {
      const length = rest.readInt32BE(0);
      if (length < 0 || length > (client.isAuthorized ? MAX_REQUEST_BYTES : MAX_STRANGER_BYTES))
        throw new ProtocolError(`a request of ${length} bytes${rest[0] === 22 ? ': this port speaks no TLS' : ''}`);
      needed = length + 4;
      if (rest.length < needed) break;
      yield rest.subarray(4, needed);
      rest = rest.subarray(needed);
      needed = 4;
    }
    chunks = [rest];
    bytes = rest.length;
  }
}

/** False where the connection is to end. */
async function answer(client: KafkaClient, frame: Buffer, socket: Socket): Promise<boolean> {
  if (client.isRawSasl) {
    client.isRawSasl = false;
    const isIn = signIn(client, frame) === undefined;
    if (isIn) await send(socket, new Writer().int32(0));
    return isIn;
  }
  const request = new Reader(frame);
  const [key, version, correlationId] = [request.int16(), request.int16(), request.int32()];
  client.clientId = request.nullableString() ?? '';
  const reply = new Writer(1024).int32(0).int32(correlationId); // the length, filled in when it is known
  const answered = await dispatch(client, BY_KEY.get(key), key, version, request, reply);
  if (answered === 'drop') return false;
  if (answered !== false) await send(socket, reply);
  return answered !== 'close';
}

async function dispatch(
  client: KafkaClient,
  api: Api | undefined,
  key: number,
  version: number,
  request: Reader,
  reply: Writer,
): Promise<Answered> {
  if (!api || version < api.versions[0] || version > api.versions[1]) {
    if (key !== API_VERSIONS) throw new ProtocolError(`request ${key} in version ${version}, which is not served`);
    writeVersions(reply, 0, CODE.unsupportedVersion, APIS);
    return undefined;
  }
  if (!client.isAuthorized && !api.isOpen)
    throw new ProtocolError('a client that has not signed in: security.protocol is SASL_PLAINTEXT here');
  return api.answer(client, request, version, reply);
}

async function send(socket: Socket, reply: Writer): Promise<void> {
  const bytes = reply.written;
  bytes.writeInt32BE(bytes.length - 4, 0);
  if (socket.destroyed || socket.write(bytes)) return;
  await new Promise<void>(resolve => {
    const done = () => {
      socket.off('drain', done).off('close', done);
      resolve();
    };
    socket.once('drain', done).once('close', done);
  });
}
