/** The endpoint cannot start as it is configured; the message says what is wrong and what to do. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}
