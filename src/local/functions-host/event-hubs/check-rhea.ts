import { createRequire } from 'node:module';
import rhea, { type Receiver as RheaReceiver } from 'rhea';
import { Connection, type ConnectionOptions, Receiver, Session } from 'rhea-promise';
import { faultOf, type PrivateParts } from '../../private-parts.ts';
import { SetupError } from '../errors.ts';

/** The versions that hub-connection.ts was written for. */
export const PINNED = { rhea: '3.0.5', 'rhea-promise': '3.0.3' } as const;

/** Everything that hub-connection.ts touches: of a receiver, and of the receiver of rhea's that it stands for. */
const PARTS: PrivateParts = {
  function: ['receiver._link.connection._register', 'receiver._link.session.on_transfer'],
  number: [
    'receiver._link.credit',
    'receiver._link.delivery_count',
    'receiver._link.session.incoming.next_transfer_id',
  ],
};

/** @throws SetupError where rhea or rhea-promise is another one than the host was written for. */
export function checkRhea(): void {
  const require = createRequire(import.meta.url);
  // The rhea that counts is the one that rhea-promise finds: it may have a copy to itself.
  const requireThere = createRequire(require.resolve('rhea-promise'));
  const library = (name: keyof typeof PINNED, from: NodeJS.Require, parts: PrivateParts) => {
    const { version } = from(`${name}/package.json`) as { version: string };
    return faultOf({ name, pinned: PINNED[name], installed: version, parts, sample });
  };
  const fault = library('rhea', requireThere, {}) ?? library('rhea-promise', require, PARTS);
  if (fault) throw new SetupError(fault);
}

/** It never sees a network. */
function sample(): { readonly receiver: Receiver } {
  const options = { reconnect: false } as ConnectionOptions;
  const session = rhea.create_container().create_connection(options).create_session() as rhea.Session & {
    create_receiver(name: string): RheaReceiver;
  };
  return { receiver: new Receiver(new Session(new Connection(options), session), session.create_receiver('sample')) };
}
