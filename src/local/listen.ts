import type { AddressInfo, Server } from 'node:net';

export interface Listening {
  readonly port: number;
  close(): void;
}

/** A port cannot be listened on; the message says why and what to do. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}

/**
 * Listens on a port of this machine, by IPv4 and, where there is one, IPv6: clients try either for `localhost`. Nobody else reaches it:
 * what listens here asks for no key, or for one that everybody knows.
 * @param host listens there instead.
 * @param setting names the port in messages.
 * @throws ListenError where it cannot.
 */
export async function listen(
  create: () => Server,
  port: number,
  host: string | undefined,
  setting: string,
): Promise<Listening> {
  const first = create();
  const bound = await bind(first, port, host ?? '127.0.0.1', setting);
  const servers = [first];
  if (host === undefined) {
    const second = create();
    try {
      await bind(second, bound, '::1', setting);
      servers.push(second);
    } catch (error) {
      if (isTaken((error as ListenError).cause)) {
        first.close();
        throw error;
      }
      // No IPv6 here.
    }
  }
  return {
    port: bound,
    close: () => {
      for (const server of servers) server.close();
    },
  };
}

function bind(server: Server, port: number, host: string, setting: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', cause => {
      const message = isTaken(cause)
        ? `port ${port} is in use: end the program that has it, or set ${setting} to another port`
        : `cannot listen on ${host}, port ${port} (${setting}): ${cause.message}`;
      reject(new ListenError(message, { cause }));
    });
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}

function isTaken(cause: unknown): boolean {
  return (cause as NodeJS.ErrnoException | undefined)?.code === 'EADDRINUSE';
}
