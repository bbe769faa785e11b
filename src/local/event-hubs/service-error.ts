/** An error as the service puts it into a detach or a rejection: an AMQP condition and a sentence. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError';
  readonly condition: string;

  constructor(condition: string, description: string) {
    super(description);
    this.condition = condition;
  }
}

export const notFound = (entity: string) =>
  new ServiceError('amqp:not-found', `The messaging entity '${entity}' could not be found.`);

export const badPartition = (partition: string, hub: string, count: number) =>
  new ServiceError(
    'com.microsoft:argument-out-of-range',
    `The specified partition is invalid for an EventHub partition sender or receiver: '${partition}'. ${hub} has partitions 0 to ${count - 1}.`,
  );

export const unauthorized = (what: string) =>
  new ServiceError(
    'amqp:unauthorized-access',
    `Unauthorized access. A token is required for ${what}: none was put by $cbs.`,
  );
