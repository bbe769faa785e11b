import { SAS_KEY } from '../sas-token.ts';
import type { Api, KafkaClient } from './client.ts';
import { CODE } from './error-code.ts';

const MECHANISMS = ['PLAIN', 'OAUTHBEARER'];
const USER = '$ConnectionString';

export const saslHandshake: Api = {
  key: 17,
  versions: [0, 1],
  isOpen: true,
  answer(client, request, version, reply) {
    const mechanism = request.string();
    const isKnown = MECHANISMS.includes(mechanism);
    if (isKnown) client.mechanism = mechanism;
    client.isRawSasl = isKnown && version === 0;
    reply.int16(isKnown ? CODE.none : CODE.unsupportedSaslMechanism);
    reply.array(MECHANISMS, name => reply.string(name));
    return undefined;
  },
};

export const saslAuthenticate: Api = {
  key: 36,
  versions: [0, 1],
  isOpen: true,
  answer(client, request, version, reply) {
    const fault = signIn(client, request.bytes() ?? Buffer.alloc(0));
    reply.int16(fault ? fault.code : CODE.none).string(fault?.message);
    reply.bytes(Buffer.alloc(0));
    if (version >= 1) reply.int64(0); // the session has no end
    return fault ? 'close' : undefined;
  },
};

/** Lets a client in; what stands against it otherwise. */
export function signIn(client: KafkaClient, token: Buffer): { code: number; message: string } | undefined {
  const { mechanism, service } = client;
  if (!mechanism) return { code: CODE.illegalSaslState, message: 'SaslHandshake comes first' };
  const fault = mechanism === 'PLAIN' ? faultOfPlain(token) : faultOfBearer(token);
  client.isAuthorized = fault === undefined;
  if (fault === undefined) return undefined;
  service.warnOnce(`refused a Kafka client: ${fault}`);
  return { code: CODE.saslAuthenticationFailed, message: fault };
}

/** RFC 4616: identity to act as, user, password, with zeros between. */
function faultOfPlain(token: Buffer): string | undefined {
  const [, user, password = ''] = token.toString('utf8').split('\0');
  if (user !== USER) return `the user name of SASL PLAIN is ${USER}, its password the connection string`;
  const key = /(?:^|;)\s*SharedAccessKey=([^;]*)/i.exec(password)?.[1];
  return key === SAS_KEY ? undefined : `the local connection string's SharedAccessKey is ${SAS_KEY}`;
}

/** RFC 7628. Whose token it is, nobody here can tell: any will do. */
function faultOfBearer(token: Buffer): string | undefined {
  const fields = token.toString('utf8').split('\u0001');
  const hasToken = fields.some(field => /^auth=Bearer \S/i.test(field));
  return hasToken ? undefined : 'a bearer token is missing';
}
