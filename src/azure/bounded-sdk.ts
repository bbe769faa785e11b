import { EventHubConsumerClient, EventHubProducerClient } from '@azure/event-hubs';
import { message, types } from 'rhea-promise';
import { boundAmqp, type Rhea } from '../core/bounded-amqp.ts';

boundAmqp({ types, message } as unknown as Rhea);

/** The SDK, with a bound on what it believes of events. */
export { EventHubConsumerClient, EventHubProducerClient };
