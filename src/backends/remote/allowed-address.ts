import { lookup as resolve } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/*
 * A card is a file in storage: whoever may write one must not turn the app into a way into its network. So a server is called only where REMOTE_HOSTS
 * names its host; and never at a link-local address, where clouds keep what an instance may know of itself, tokens among it.
 */

const LINK_LOCAL = new BlockList();
LINK_LOCAL.addSubnet('169.254.0.0', 16, 'ipv4');
LINK_LOCAL.addSubnet('fe80::', 10, 'ipv6');
LINK_LOCAL.addAddress('168.63.129.16', 'ipv4'); // Azure's own, which answers beside the link-local ones
LINK_LOCAL.addAddress('fd00:ec2::254', 'ipv6');

/** Whether an address is one that is never called; an IPv4 address within IPv6 counts as that address. */
export function isRefused(address: string): boolean {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return isRefused(mapped);
  const family = isIP(address);
  return family !== 0 && LINK_LOCAL.check(address, family === 4 ? 'ipv4' : 'ipv6');
}

/** @throws Error where the host of a URL is not among those allowed: `models.example.com`, or `models.example.com:8080` for that port alone. */
export function checkHost(url: URL, allowed: readonly string[]): void {
  const { hostname, host, port, protocol } = url;
  const bare = hostname.replace(/^\[|\]$/g, '');
  const whole = port === '' ? `${host}:${protocol === 'https:' ? 443 : 80}` : host;
  const names = [hostname, bare, host, whole].map(name => name.toLowerCase());
  if (!allowed.some(name => names.includes(name.toLowerCase()))) {
    const there = allowed.length === 0 ? 'it names none' : `it names ${allowed.join(', ')}`;
    throw new Error(`${host} is not called: REMOTE_HOSTS has to name it; ${there}`);
  }
  if (isRefused(bare)) throw new Error(`${host} is not called: it is a link-local address`);
}

/** Resolves names as usual, but for addresses that are never called, whatever the name. */
export const lookupAllowed: LookupFunction = (hostname, options, callback) => {
  resolve(hostname, { ...options, all: true }, (error, addresses) => {
    if (error) return callback(error, []);
    const refused = addresses.find(({ address }) => isRefused(address));
    if (refused) return callback(new Error(`${hostname} is ${refused.address}, a link-local address`), []);
    if (options.all) return callback(null, addresses);
    const [first] = addresses;
    if (first === undefined) return callback(new Error(`${hostname} has no address`), []);
    return callback(null, first.address, first.family);
  });
};
