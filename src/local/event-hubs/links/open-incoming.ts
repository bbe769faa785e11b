import rhea, { type Receiver } from 'rhea';
import { type Address, parseAddress } from '../address.ts';
import { IncomingDeliveries } from '../amqp/incoming-delivery.ts';
import { answerAttach } from '../amqp/rhea-private.ts';
import { type Client, isAuthorized, type OpenLink, requireToken, type Service } from '../client.ts';
import { MAX_MESSAGE_BYTES } from '../limits.ts';
import { notFound } from '../service-error.ts';
import { answerCbs } from './cbs.ts';
import { openIngest } from './ingest.ts';
import { answerManagement, hasToken, refuseManagement } from './management.ts';
import { Replies, type Request } from './replies.ts';

/**
 * Opens a link by which the peer sends: to `$cbs`, `$management`, a hub or one of its partitions.
 * @throws ServiceError where it may not.
 */
export function openIncoming(service: Service, client: Client, link: Receiver): OpenLink {
  const address = parseAddress(String(link.target?.address ?? ''));
  switch (address.kind) {
    case 'cbs':
      return answerRequests(client, link, address, request => {
        const now = service.clock();
        const { reply, accepted } = answerCbs(request, now);
        if (accepted) keepToken(client, accepted.audience, Math.min(accepted.untilMs, now + service.tokenMs));
        return reply;
      });
    case 'management':
      // No token is asked for here: Java opens the link before it puts one, and every request can carry its own.
      return answerRequests(client, link, address, request => {
        const isAllowed = isAuthorized(client, service.clock()) || hasToken(request, service.clock());
        return isAllowed ? answerManagement(request, service.namespace) : refuseManagement(request);
      });
    case 'consumer':
      throw notFound(String(link.target?.address));
    default: {
      const hub = service.namespace.hub(address.hub);
      const partition =
        address.kind === 'partition' ? service.namespace.partition(hub.name, address.partition) : undefined;
      requireToken(client, service.clock(), hub.name);
      return openIngest(service, client, link, hub, partition);
    }
  }
}

/** A client may renew as many as it likes, but not fill the memory with them. */
const MAX_TOKENS = 1_000;

function keepToken({ tokens }: Client, audience: string, untilMs: number): void {
  tokens.delete(audience);
  tokens.set(audience, untilMs);
  for (const oldest of tokens.keys()) {
    if (tokens.size <= MAX_TOKENS) break;
    tokens.delete(oldest);
  }
}

function answerRequests(
  client: Client,
  link: Receiver,
  { kind }: Address,
  answer: (request: Request) => object,
): OpenLink {
  answerAttach(link, { max_message_size: MAX_MESSAGE_BYTES });
  return new IncomingDeliveries(link, message => {
    message.accept();
    // JS names its answering link in reply_to, Python names none: it is the one from the same node in the same session.
    for (const [other, replies] of client.links) {
      if (!(replies instanceof Replies) || other.session !== link.session) continue;
      if (parseAddress(String(other.source?.address)).kind !== kind) continue;
      replies.send(answer(rhea.message.decode(message.bytes) as Request));
      return;
    }
  });
}
