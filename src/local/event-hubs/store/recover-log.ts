import { ConfigError } from '../config-error.ts';
import { BATCH_HEADER_BYTES, type ProducerMark } from './batch-format.ts';
import { checkSegment, cutSegment, type Segment } from './segment.ts';

/** Where the log stands; one value, so that a failed write can go back to the one before. */
export interface End {
  readonly position: number;
  readonly sequence: number;
  readonly timeMs: number;
  /** Position of the last event, the service's `offset`; -1 where there never was one. */
  readonly lastEvent: number;
}

/**
 * Where a log stands after a restart: read from its newest segment, and from the one before in case that is empty. What a kill
 * left half-written at the end is cut off.
 * @param remember gets each idempotent producer's claim, oldest first.
 * @throws ConfigError where a segment does not end where the next begins.
 */
export function recoverLog(
  segments: readonly Segment[],
  folder: string,
  warn: (message: string) => void,
  remember: (producer: ProducerMark) => void,
): End {
  refuseGaps(segments, folder);
  let end: End = { position: 0, sequence: 0, timeMs: 0, lastEvent: -1 };
  for (const segment of segments.slice(-2)) {
    const lastEvent = end.lastEvent === -1 ? segment.position - 1 : end.lastEvent;
    end = { ...end, position: segment.position, sequence: segment.sequence, lastEvent };
    const whole = checkSegment(segment, ({ header, position, lastEvent }) => {
      end = {
        position: position + BATCH_HEADER_BYTES + header.bodyBytes,
        sequence: header.firstSequence + header.count,
        timeMs: header.timeMs,
        lastEvent,
      };
      if (header.producer.id) remember(header.producer);
    });
    if (segment === segments.at(-1) && whole < segment.bytes) {
      warn(
        `cut ${segment.bytes - whole} torn bytes off ${segment.path}: a send that was never acknowledged; event ${end.sequence} comes next`,
      );
      cutSegment(segment, whole);
    }
  }
  return end;
}

function refuseGaps(segments: readonly Segment[], folder: string): void {
  for (const [i, segment] of segments.slice(0, -1).entries()) {
    const next = segments[i + 1] as Segment;
    if (segment.position + segment.bytes !== next.position)
      throw new ConfigError(
        `${segment.path} should end where ${next.path} begins and does not: the data are damaged; move ${folder} away to start anew`,
      );
  }
}
