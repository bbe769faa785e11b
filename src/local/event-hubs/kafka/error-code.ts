/** Error codes of the protocol (https://kafka.apache.org/protocol#protocol_error_codes), as far as they are answered. */
export const CODE = {
  unknownServerError: -1,
  none: 0,
  offsetOutOfRange: 1,
  corruptMessage: 2,
  unknownTopicOrPartition: 3,
  messageTooLarge: 10,
  illegalGeneration: 22,
  inconsistentGroupProtocol: 23,
  invalidGroupId: 24,
  unknownMemberId: 25,
  invalidSessionTimeout: 26,
  rebalanceInProgress: 27,
  topicAuthorizationFailed: 29,
  unsupportedSaslMechanism: 33,
  illegalSaslState: 34,
  unsupportedVersion: 35,
  invalidRequest: 42,
  unsupportedForMessageFormat: 43,
  outOfOrderSequenceNumber: 45,
  duplicateSequenceNumber: 46,
  invalidProducerEpoch: 47,
  transactionalIdAuthorizationFailed: 53,
  kafkaStorageError: 56,
  saslAuthenticationFailed: 58,
  unsupportedCompressionType: 76,
  fencedInstanceId: 82,
  invalidRecord: 87,
} as const;

/** An error that one part of an answer carries: a partition's, a group's. */
export class KafkaError extends Error {
  override readonly name = 'KafkaError';
  readonly code: number;

  constructor(code: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
