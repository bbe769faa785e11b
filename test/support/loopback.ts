import type { Socket } from 'node:net';
import { networkInterfaces } from 'node:os';

const hasIPv6 = Object.values(networkInterfaces()).some(all => all?.some(({ address }) => address === '::1'));

/** The names by which this machine alone reaches itself, as in a URL. */
export const LOOPBACK: readonly string[] = hasIPv6 ? ['127.0.0.1', '[::1]'] : ['127.0.0.1'];

/** Another address of this machine: who listens on every interface answers there, too. */
export const ELSEWHERE = '127.0.0.2';

/** Once nothing connects it any more: ended, or reset, as one is whose last words the other side did not wait for. */
export function whenClosed(socket: Socket): Promise<void> {
  return new Promise(resolve => {
    socket.on('error', () => {}).once('close', () => resolve());
  });
}
