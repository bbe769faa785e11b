/** Why the stack does not start, in words for the one at the terminal; needs no stack trace. */
export class StartError extends Error {}
