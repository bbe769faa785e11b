/** The host cannot start as it is set up; the message names what is wrong and what to do. */
export class SetupError extends Error {
  override readonly name = 'SetupError';
}
