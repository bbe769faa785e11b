import type { Namespace } from '../namespace.ts';
import type { Reader, Writer } from './codec.ts';
import type { GroupOffsets } from './group-offsets.ts';
import type { Groups } from './groups.ts';
import type { Positions } from './read-records.ts';

/** What the Kafka side of the namespace works with. */
export interface KafkaService {
  readonly namespace: Namespace;
  readonly groups: Groups;
  readonly offsets: GroupOffsets;
  readonly clock: () => number;
  /** Says a thing to the operator once, however often it happens. */
  readonly warnOnce: (message: string) => void;
}

/** One connection. */
export interface KafkaClient {
  readonly service: KafkaService;
  /** The address by which it reached us, and so will again. */
  readonly host: string;
  readonly port: number;
  /** Aborted when the connection ends. */
  readonly signal: AbortSignal;
  /** As the last request had it. */
  clientId: string;
  /** Where its fetches ended. */
  readonly positions: Positions;
  /** The SASL mechanism it chose. */
  mechanism: string | undefined;
  isAuthorized: boolean;
  /** The next frame is a bare token, as it is after version 0 of the handshake. */
  isRawSasl: boolean;
}

/** One request of the protocol, in the versions it is answered in. */
export interface Api {
  readonly key: number;
  readonly versions: readonly [first: number, last: number];
  /** Answered before a client has signed in. */
  readonly isOpen?: true;
  /** Writes the answer's body; false where none is to be sent. */
  answer(client: KafkaClient, request: Reader, version: number, reply: Writer): Answered | Promise<Answered>;
}

/** `false`: no answer. `'close'`: answered, and then the connection ends. `'drop'`: it ends without an answer. */
export type Answered = undefined | false | 'close' | 'drop';
