/** Why the stack does not start, in words for who started it. */
export class StartError extends Error {}
