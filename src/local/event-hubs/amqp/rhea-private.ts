import { createRequire } from 'node:module';
import type { Connection, Receiver, Sender, Session } from 'rhea';
import type { ServiceError } from '../service-error.ts';
import type { BatchedSocket } from './batched-socket.ts';
import { boundReader, type RheaReader } from './bounded-reader.ts';

/*
 * Everything that touches rhea behind its public interface, with the reason for each. Nothing else may. What stands here stands
 * in check-rhea.ts too, by which the endpoint looks at its start whether it is there.
 */

interface TransferFrame {
  readonly performative: {
    readonly handle: number;
    readonly delivery_id?: number;
    readonly message_format?: number;
    readonly settled?: boolean;
    readonly more?: boolean;
    readonly aborted?: boolean;
  };
  readonly payload?: Buffer;
}

interface ChannelFrame {
  readonly channel: number;
}

interface PrivateSession {
  readonly connection: PrivateConnection;
  readonly local: { readonly channel: number; readonly begin: Record<string, unknown> };
  readonly remote: { readonly handles: Record<number, Receiver | Sender> };
  readonly incoming: { next_transfer_id: number };
  readonly outgoing: {
    next_delivery_id: number;
    next_pending_delivery: number;
    next_transfer_id: number;
    remote_next_transfer_id?: number;
    remote_window?: number;
  };
  on_transfer(frame: TransferFrame): void;
  on_flow(frame: { readonly performative: { readonly handle?: number; readonly echo?: boolean } }): void;
  output(frame: unknown): void;
  _write_flow(link?: PrivateLink): void;
}

interface PrivateConnection {
  readonly socket: BatchedSocket;
  readonly remote: { readonly open?: { readonly max_frame_size?: number } };
  readonly local: { readonly open: { readonly max_frame_size: number } };
  readonly transport: { peek_size(bytes: Buffer): number | undefined };
  readonly remote_channel_map: Record<number, unknown>;
  on_detach(frame: ChannelFrame): void;
  on_flow(frame: ChannelFrame): void;
  on_disposition(frame: ChannelFrame): void;
  accept(socket: BatchedSocket): void;
  _register(): void;
}

interface Described {
  described(): unknown;
}

interface PrivateLink {
  readonly state: { local_open: boolean; open_requests: number };
  credit: number;
  delivery_count: number;
  _draining?: boolean;
  readonly local: { readonly handle: number; readonly attach: Record<string, unknown> };
  readonly remote: {
    readonly attach: { readonly source?: Described; readonly target?: Described; readonly snd_settle_mode?: number };
  };
}

interface Composite {
  value: unknown[];
}
type Create = (fields: object) => Composite;

// The typings declare these modules but the package's main does not lead to them.
const require = createRequire(import.meta.url);
const frames = require('rhea/lib/frames.js') as Record<string, Create>;
const message = require('rhea/lib/message.js') as { rejected(fields: object): Described };
const types = require('rhea/lib/types.js') as {
  Writer: new () => { write(value: unknown): void; toBuffer(): Buffer };
  Reader: { readonly prototype: RheaReader };
};

// Module-global like what follows, and in force from the first byte on.
boundReader(types.Reader.prototype);

const privateOf = (session: Session) => session as unknown as PrivateSession;
const privateLink = (link: Receiver | Sender) => link as unknown as PrivateLink;

const FIELD_COUNTS: Record<string, number> = {
  open: 10,
  begin: 8,
  attach: 14,
  flow: 11,
  transfer: 11,
  disposition: 6,
  detach: 3,
  end: 1,
  close: 1,
};

/**
 * Has rhea write every performative with all its fields: the Python client indexes them blindly, and rhea leaves trailing
 * nulls out. Holes in an array are written as nulls. Module-global, so call it once in a process that is only a server.
 */
export function writeFullLengthFrames(): void {
  for (const [name, count] of Object.entries(FIELD_COUNTS)) {
    const create = frames[name] as Create;
    frames[name] = fields => {
      const frame = create(fields);
      frame.value.length = count;
      return frame;
    };
  }
}

/**
 * Gives rhea a socket that batches writes; `listen` would give it the bare one. Python's client detaches links whose session it
 * has ended before, at which rhea would end the connection. And a frame may be no larger than the open says: rhea collects whatever size
 * the peer announces, up to 4 GiB.
 */
export function acceptSocket(connection: Connection, socket: BatchedSocket): void {
  const inner = connection as unknown as PrivateConnection;
  for (const name of ['on_detach', 'on_flow', 'on_disposition'] as const) {
    const rheas = inner[name].bind(inner);
    inner[name] = frame => {
      if (inner.remote_channel_map[frame.channel]) rheas(frame);
    };
  }
  inner.accept(socket);
  const { transport, local } = inner;
  const rheasPeek = transport.peek_size.bind(transport);
  transport.peek_size = bytes => {
    const size = rheasPeek(bytes);
    if (size !== undefined && size > local.open.max_frame_size)
      throw new Error(`a frame of ${size} bytes, where ${local.open.max_frame_size} are allowed`);
    return size;
  };
}

/** One transfer frame as it came; `payload` is only valid in this turn of the event loop. */
export interface IncomingFrame {
  readonly link: Receiver;
  readonly deliveryId: number | undefined;
  readonly format: number;
  readonly settled: boolean;
  readonly more: boolean;
  readonly aborted: boolean;
  readonly payload: Buffer | undefined;
}

/**
 * Takes over a session's transfers: rhea decodes messages of format 0 and loses their bytes, and makes an object with six
 * closures of each. And its flows: one without a handle opens the session's window but raises no event, so that
 * deliveries waiting for it would stall; `echo` goes unanswered.
 */
export function takeOverSession(session: Session, onFrame: (frame: IncomingFrame) => void, onFlow: () => void): void {
  const inner = privateOf(session);
  inner.local.begin.handle_max = 255;
  inner.on_transfer = ({ performative, payload }) => {
    const link = inner.remote.handles[performative.handle] as Receiver | undefined;
    if (!link) throw new Error(`transfer on handle ${performative.handle}, which is not attached`);
    inner.incoming.next_transfer_id++;
    inner.connection._register(); // or the session's incoming window is never opened again
    onFrame({
      link,
      deliveryId: performative.delivery_id ?? undefined,
      format: performative.message_format ?? 0,
      settled: performative.settled ?? false,
      more: performative.more ?? false,
      aborted: performative.aborted ?? false,
      payload,
    });
  };
  const rheasOnFlow = inner.on_flow.bind(inner);
  inner.on_flow = frame => {
    rheasOnFlow(frame);
    const { handle, echo } = frame.performative;
    if (echo) inner._write_flow(handle == null ? undefined : (inner.remote.handles[handle] as unknown as PrivateLink));
    onFlow();
  };
}

/** Notes that a delivery came in on a link, as rhea would have. */
export function countIncoming(link: Receiver): void {
  const inner = privateLink(link);
  inner.credit--;
  inner.delivery_count = (inner.delivery_count + 1) >>> 0;
}

/** Credit that the peer may still use on this link. */
export function creditOf(link: Receiver | Sender): number {
  return privateLink(link).credit;
}

/** True where the receiver asked for what there is at once, and its credit back. */
export function isDraining(sender: Sender): boolean {
  return privateLink(sender)._draining === true;
}

/** Answers a drain: gives the rest of the credit back. */
export function finishDraining(sender: Sender): void {
  sender.set_drained(true);
  privateOf(sender.session).connection._register();
}

/** What hand-built transfers need to know of their session. */
export interface Outgoing {
  readonly channel: number;
  readonly handle: number;
  /** Frames the peer's session window still takes. */
  readonly window: number;
  /** Largest frame the peer takes, in bytes. */
  readonly maxFrameBytes: number;
  readonly firstDeliveryId: number;
}

const LARGEST_FRAME = 1024 * 1024;

export function outgoingOf(sender: Sender): Outgoing {
  const { outgoing, local, connection } = privateOf(sender.session);
  const inFlight = (outgoing.next_transfer_id - (outgoing.remote_next_transfer_id ?? 0)) >>> 0;
  return {
    channel: local.channel,
    handle: privateLink(sender).local.handle,
    window: Math.max(0, (outgoing.remote_window ?? 0) - inFlight),
    maxFrameBytes: Math.min(connection.remote.open?.max_frame_size ?? LARGEST_FRAME, LARGEST_FRAME),
    firstDeliveryId: outgoing.next_delivery_id >>> 0,
  };
}

/**
 * Writes whole transfer frames built by hand and counts them, since rhea makes of each delivery an entry in a buffer of 2048, four
 * objects and a socket write. They are all settled, so rhea has nothing to remember.
 */
export function writeTransfers(sender: Sender, bytes: Buffer, deliveries: number, frameCount: number): void {
  const { outgoing, connection } = privateOf(sender.session);
  outgoing.next_delivery_id += deliveries;
  outgoing.next_pending_delivery += deliveries;
  outgoing.next_transfer_id += frameCount;
  const link = privateLink(sender);
  link.credit -= deliveries;
  link.delivery_count = (link.delivery_count + deliveries) >>> 0;
  connection.socket.write(bytes);
}

/** Accepts a run of deliveries with one frame. */
export function writeAccepted(session: Session, first: number, last: number): void {
  const { connection, local } = privateOf(session);
  const frame = Buffer.allocUnsafe(ACCEPTED.length);
  ACCEPTED.copy(frame);
  frame.writeUInt16BE(local.channel, 6);
  frame.writeUInt32BE(first, 16);
  frame.writeUInt32BE(last, 21);
  connection.socket.write(frame);
}

/** disposition: role receiver, first, last, settled, accepted, batchable null. */
const ACCEPTED = Buffer.from([
  ...[0, 0, 0, 31, 2, 0, 0, 0],
  ...[0x00, 0x53, 0x15, 0xc0, 18, 6, 0x41, 0x70, 0, 0, 0, 0, 0x70, 0, 0, 0, 0, 0x41, 0x00, 0x53, 0x24, 0x45, 0x40],
]);

/** Rejects one delivery. */
export function writeRejected(session: Session, deliveryId: number, error: ServiceError): void {
  const state = message.rejected({ error: amqpError(error) }).described();
  privateOf(session).output(
    frames.disposition?.({ role: true, first: deliveryId, last: deliveryId, settled: true, state }),
  );
}

/** An error with all three fields: without the third a rejected Python send hangs. */
export function amqpError(error: ServiceError): { condition: string; description: string } {
  return { condition: error.condition, description: error.message, info: undefined } as never;
}

/**
 * Answers an attach as the service does: source and target echoed, receiver settle mode always 0 (echoing 1 hangs Python senders), and what else the link has to say.
 */
export function answerAttach(link: Receiver | Sender, fields: object): void {
  const { local, remote } = privateLink(link);
  Object.assign(local.attach, {
    source: remote.attach.source?.described(),
    target: remote.attach.target?.described(),
    snd_settle_mode: remote.attach.snd_settle_mode,
    rcv_settle_mode: 0,
    ...fields,
  });
}

/**
 * Refuses an attach as the service does: an answer without source and target, then a closing detach with the error. .NET waits for that
 * detach only where they are missing; given them, it takes the link for open, reads nothing and says nothing.
 */
export function refuseAttach(link: Receiver | Sender, error: ServiceError): void {
  if (hearsOfItLater(link, error)) answerAttach(link, {});
  link.close(amqpError(error));
}

/**
 * True for clients that make more of an error on a link they take for open: Python's asynchronous consumer drops one that comes before and
 * tries again for ever, and Go takes amqp:link:stolen for a passing fault there instead of a lost ownership.
 */
function hearsOfItLater(link: Receiver | Sender, error: ServiceError): boolean {
  const product = String(link.connection.properties?.product);
  return product.startsWith('azsdk-python') || (product === 'MSGolangClient' && error.condition === 'amqp:link:stolen');
}

/** Keeps rhea from answering an attach that has just come; what it returns lets the answer go. */
export function holdAttach(link: Receiver | Sender): () => void {
  const { state } = privateLink(link);
  state.local_open = false;
  state.open_requests = 0;
  return () => (link as unknown as { open(): void }).open();
}

/** A value's bytes; the typings leave the writer out. */
export function encodeValue(value: unknown): Buffer {
  const writer = new types.Writer();
  writer.write(value);
  return writer.toBuffer();
}
