import { ServiceError } from '../service-error.ts';
import { positionOfOffset, positionOfSequence, positionOfTime } from '../store/find-position.ts';
import type { PartitionLog } from '../store/partition-log.ts';

/** .NET, and so the Functions host, writes the value without quotes; everyone else with them. */
const SELECTOR = /^amqp\.annotation\.x-opt-(offset|sequence-number|enqueued-time)\s*(>=?)\s*(?:'([^']*)'|([^\s']+))$/;

/**
 * The log position a receiver starts at, from its selector filter; without one, the oldest event.
 * @throws ServiceError where the filter is not one of the service's, or points behind the end.
 */
export function startPosition(log: PartitionLog, selector: string | undefined): number {
  if (selector === undefined) return log.firstPosition;
  const match = SELECTOR.exec(selector.trim());
  if (!match) throw new ServiceError('com.microsoft:argument-error', `The filter is not supported: ${selector}`);
  const [, field, operator, quoted, bare] = match;
  const value = quoted ?? bare ?? '';
  if (value === '@latest') return log.endPosition;
  const number = Number(value);
  if (value === '' || !Number.isFinite(number))
    throw new ServiceError('com.microsoft:argument-error', `The supplied ${field} '${value}' is not a number.`);
  const from = operator === '>=' ? number : number + 1;
  switch (field) {
    case 'offset':
      refuseBehindEnd('offset', number, log.lastEventPosition);
      return positionOfOffset(log, from);
    case 'sequence-number':
      refuseBehindEnd('sequence number', number, log.nextSequence - 1);
      return positionOfSequence(log, from);
    default:
      return positionOfTime(log, from);
  }
}

/** A checkpoint behind the end belongs to other data; the service refuses it, too. */
function refuseBehindEnd(what: string, supplied: number, last: number): void {
  if (supplied > Math.max(last, -1) && supplied > 0)
    throw new ServiceError(
      'com.microsoft:argument-error',
      `The supplied ${what} '${supplied}' is invalid. The last ${what} in the system is '${last}'`,
    );
}
