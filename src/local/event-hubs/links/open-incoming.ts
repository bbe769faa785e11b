import rhea, { type Receiver } from 'rhea';
import { type Address, parseAddress } from '../address.ts';
import { IncomingDeliveries } from '../amqp/incoming-delivery.ts';
import { answerAttach } from '../amqp/rhea-private.ts';
import { type Client, type OpenLink, requireToken, type Service } from '../client.ts';
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
        const { reply, isAccepted } = answerCbs(request, service.clock());
        client.isAuthorized ||= isAccepted;
        return reply;
      });
    case 'management':
      // No token is asked for here: Java opens the link before it puts one, and every request can carry its own.
      return answerRequests(client, link, address, request => {
        const isAllowed = client.isAuthorized || hasToken(request, service.clock());
        return isAllowed ? answerManagement(request, service.namespace) : refuseManagement(request);
      });
    case 'consumer':
      throw notFound(String(link.target?.address));
    default: {
      const hub = service.namespace.hub(address.hub);
      const partition =
        address.kind === 'partition' ? service.namespace.partition(hub.name, address.partition) : undefined;
      requireToken(client, hub.name);
      return openIngest(service, client, link, hub, partition);
    }
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
