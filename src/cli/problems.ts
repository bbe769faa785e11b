import { ConfigurationError, IdentityError } from '../core/errors.ts';
import { CommandError } from './terminal.ts';

/** What went wrong and the next thing to try, in two lines at most. */
export function explainProblem(thrown: unknown): string {
  if (thrown instanceof CommandError) return `${thrown.message}\n${thrown.next}`;
  if (thrown instanceof ConfigurationError) return thrown.message;
  const chain = causes(thrown);
  const message = firstLine(chain.find(error => error.message)?.message ?? String(thrown));
  const hit = PROBLEMS.find(({ is }) => chain.some(is));
  return hit ? `${message}\n${hit.next}` : message;
}

/** By the code that Node.js, the AMQP library or a service gave it. */
const coded =
  (...codes: readonly string[]) =>
  (error: Error): boolean =>
    codes.includes(String((error as { readonly code?: unknown }).code));

const refusals = coded('UnauthorizedError');
const timeouts = coded('OperationTimeoutError', 'OperationTimedOut', 'ETIMEDOUT');

const PROBLEMS: readonly { readonly is: (error: Error) => boolean; readonly next: string }[] = [
  {
    is: coded('ENOENT'),
    next: 'Look at the path: it is taken from the current folder.',
  },
  {
    is: coded('EISDIR'),
    next: 'Give a file, not a folder.',
  },
  {
    is: coded('ECONNREFUSED'),
    next: 'Is `npm start` running in another terminal? For another address set EventHubs and ModelStorage (environment or local.settings.json), or EVENTHUBS_PORT and STORAGE_PORT for a local stack on other ports.',
  },
  {
    is: coded('ENOTFOUND', 'EAI_AGAIN'),
    next: 'The host name is not known: look at EventHubs or EventHubs__fullyQualifiedNamespace, and at the network.',
  },
  {
    is: error => error instanceof IdentityError,
    next: 'No Azure identity was found: run `az login`, or set EventHubs to a connection string.',
  },
  {
    is: error =>
      refusals(error) || [401, 403].includes(Number((error as { readonly statusCode?: unknown }).statusCode)),
    next: 'The identity may not do this. docs/operate.md#before-you-are-on-call says which roles each command needs, on which hub or container; roles take some minutes to arrive.',
  },
  {
    is: coded('MessagingEntityNotFoundError'),
    next: 'Look at REQUESTS_HUB, RESULTS_HUB and DEAD_LETTER_HUB: the namespace has no such hub or consumer group.',
  },
  {
    is: coded('ContainerNotFound'),
    next: 'The account has no such container yet: `npx hubscore models push` makes it; or look at MODELS_CONTAINER.',
  },
  {
    is: error => timeouts(error) || isTimeout(error) || neverOpened(error),
    next: 'Nothing answers: look at the address, a firewall (port 5671 or 5672), or whether `npm start` still runs.',
  },
];

/** What `AbortSignal.timeout` gives as its reason. */
function isTimeout(error: Error): boolean {
  return error instanceof DOMException && error.code === DOMException.TIMEOUT_ERR;
}

/** By its words: rhea-promise throws a bare Error where a connection does not open in time, which has nothing else to know it by. */
function neverOpened(error: Error): boolean {
  return /^Unable to open the amqp connection .* due to operation timeout/.test(error.message);
}

/** The error, what caused it and what it gathers. */
function causes(thrown: unknown, depth = 0): Error[] {
  if (!(thrown instanceof Error) || depth > 8) return [];
  const gathered = thrown instanceof AggregateError ? thrown.errors : [];
  return [thrown, ...[thrown.cause, ...gathered].flatMap(next => causes(next, depth + 1))];
}

const firstLine = (text: string) => text.split('\n')[0] ?? '';
