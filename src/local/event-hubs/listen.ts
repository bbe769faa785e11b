import type { AddressInfo, Server } from 'node:net';
import { ConfigError } from './config-error.ts';

export interface Listening {
  readonly port: number;
  close(): void;
}

/**
 * Listens on a port of this machine, by IPv4 and, where there is one, IPv6: clients try either for `localhost`.
 * @param host listens there instead.
 * @throws ConfigError where the port is taken; it says what to do.
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
      if (error instanceof ConfigError) {
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
    server.once('error', (error: NodeJS.ErrnoException) => {
      const isTaken = error.code === 'EADDRINUSE';
      reject(
        isTaken
          ? new ConfigError(`port ${port} is in use: end the program that has it, or set ${setting} to another port`)
          : error,
      );
    });
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}
