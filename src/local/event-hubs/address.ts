/** What a link's address means. Names are as the client wrote them; letter case does not tell them apart. */
export type Address =
  | { readonly kind: 'cbs' }
  | { readonly kind: 'management' }
  | { readonly kind: 'hub'; readonly hub: string }
  | { readonly kind: 'partition'; readonly hub: string; readonly partition: string }
  | { readonly kind: 'consumer'; readonly hub: string; readonly group: string; readonly partition: string };

const CONSUMER = /^(.+)\/ConsumerGroups\/([^/]+)\/Partitions\/([^/]+)$/i;
const PARTITION = /^(.+)\/Partitions\/([^/]+)$/i;
const MANAGEMENT = /^(.*\/)?\$management$/i;

/**
 * Parses `$cbs`, `$management`, `<hub>`, `<hub>/Partitions/<id>` and `<hub>/ConsumerGroups/<group>/Partitions/<id>`, from the
 * right because hub names may hold slashes. Python sends whole URLs (`amqps://host:port/hub/…`).
 */
export function parseAddress(text: string): Address {
  const path = text.replace(/^[a-z]+:\/\/[^/]*\//i, '').replace(/^\/|\/$/g, '');
  if (path.toLowerCase() === '$cbs') return { kind: 'cbs' };
  if (MANAGEMENT.test(path)) return { kind: 'management' };
  const consumer = CONSUMER.exec(path);
  if (consumer) return { kind: 'consumer', hub: consumer[1]!, group: consumer[2]!, partition: consumer[3]! };
  const partition = PARTITION.exec(path);
  if (partition) return { kind: 'partition', hub: partition[1]!, partition: partition[2]! };
  return { kind: 'hub', hub: path };
}
