import type { Socket } from 'node:net';
import { join } from 'node:path';
import type { Namespace } from '../namespace.ts';
import type { KafkaService } from './client.ts';
import { ProtocolError } from './codec.ts';
import { serve } from './connection.ts';
import { GroupOffsets } from './group-offsets.ts';
import { Groups } from './groups.ts';

export interface KafkaOptions {
  readonly namespace: Namespace;
  /** For what groups have committed. */
  readonly folder: string;
  readonly clock: () => number;
  readonly warn: (message: string) => void;
}

const OFFSETS_FILE = 'kafka-group-offsets.ndjson';
/** Texts that were said already; beyond that many nothing new is said. */
const MAX_SAID = 1000;

/** The Kafka side of the namespace: the same partition logs by another protocol. */
export class KafkaServer {
  readonly #service: KafkaService;
  readonly #sockets = new Set<Socket>();
  readonly #said = new Set<string>();

  constructor({ namespace, folder, clock, warn }: KafkaOptions) {
    this.#service = {
      namespace,
      clock,
      groups: new Groups(),
      offsets: new GroupOffsets(join(folder, OFFSETS_FILE)),
      warnOnce: message => {
        if (this.#said.has(message) || this.#said.size >= MAX_SAID) return;
        this.#said.add(message);
        warn(message);
      },
    };
  }

  accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    socket.on('error', () => {}); // the peer went away; 'close' follows
    serve(this.#service, socket).catch((error: Error) => {
      const said = error instanceof ProtocolError ? error.message : error.stack; // anything else is a fault of ours
      if (!isGone(error)) this.#service.warnOnce(`ended a Kafka connection: ${said}`);
      socket.destroy();
    });
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#service.groups.close();
    this.#service.offsets.close();
  }
}

function isGone(error: Error): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ECONNRESET' || code === 'EPIPE' || code === 'ERR_STREAM_PREMATURE_CLOSE';
}
