import { createRequire } from 'node:module';
import rhea, { type ConnectionOptions, type Session } from 'rhea';
import { faultOf, type PrivateParts } from '../../private-parts.ts';
import { ConfigError } from '../config-error.ts';

/** The version that rhea-private.ts was written for. */
export const RHEA = '3.0.5';

/** Everything that rhea-private.ts touches. */
const PARTS: PrivateParts = {
  function: [
    ...['open', 'begin', 'attach', 'flow', 'transfer', 'disposition', 'detach', 'end', 'close'].map(
      it => `frames.${it}`,
    ),
    'message.rejected',
    'types.Writer',
    ...['remaining', 'read_constructor', 'read_n', 'read_array_items'].map(it => `types.Reader.prototype.${it}`),
    ...['accept', 'on_detach', 'on_flow', 'on_disposition', '_register'].map(it => `connection.${it}`),
    'connection.transport.peek_size',
    ...['on_transfer', 'on_flow', 'output', '_write_flow'].map(it => `session.${it}`),
    'link.set_drained',
  ],
  number: [
    'session.local.channel',
    'session.incoming.next_transfer_id',
    ...['next_delivery_id', 'next_pending_delivery', 'next_transfer_id'].map(it => `session.outgoing.${it}`),
    'link.local.handle',
    'link.credit',
    'link.delivery_count',
  ],
  boolean: ['link._draining'],
  object: [
    'connection.local.open',
    'connection.remote',
    'connection.remote_channel_map',
    'session.connection',
    'session.local.begin',
    'session.remote.handles',
    'link.local.attach',
    'link.remote',
  ],
  property: [
    'connection.local.open.max_frame_size',
    'session.outgoing.remote_next_transfer_id',
    'session.outgoing.remote_window',
  ],
};

/** Call it before rhea-private.ts is loaded, which takes hold of some of them at once. @throws ConfigError where rhea is another one. */
export function checkRhea(): void {
  const require = createRequire(import.meta.url);
  const { version } = require('rhea/package.json') as { version: string };
  const fault = faultOf({
    name: 'rhea',
    pinned: RHEA,
    installed: version,
    parts: PARTS,
    sample() {
      // None of them ever sees a network.
      const connection = rhea.create_container().create_connection({ reconnect: false } as ConnectionOptions);
      const session = connection.create_session() as Session & { create_sender(name: string): object };
      const [frames, message, types] = ['frames', 'message', 'types'].map(file => require(`rhea/lib/${file}.js`));
      return { connection, session, link: session.create_sender('sample'), frames, message, types };
    },
  });
  if (fault) throw new ConfigError(fault);
}
