/** The service's limit for one message, envelope included. */
export const MAX_MESSAGE_BYTES = 1024 * 1024;
