import { ConfigurationError } from '../core/errors.ts';
import { CommandError } from './terminal.ts';

/** What went wrong and the next thing to try, in two lines at most. */
export function explainProblem(thrown: unknown): string {
  if (thrown instanceof CommandError) return `${thrown.message}\n${thrown.next}`;
  if (thrown instanceof ConfigurationError) return thrown.message;
  const chain = causes(thrown);
  const message = firstLine(chain[0]?.message ?? String(thrown));
  const text = chain.map(({ name, code, message }) => `${name} ${code ?? ''} ${message}`).join('\n');
  const hit = PROBLEMS.find(({ pattern }) => pattern.test(text));
  return hit ? `${message}\n${hit.next}` : message;
}

const PROBLEMS: readonly { readonly pattern: RegExp; readonly next: string }[] = [
  {
    pattern: /ENOENT/,
    next: 'Look at the path: it is taken from the current folder.',
  },
  {
    pattern: /EISDIR/,
    next: 'Give a file, not a folder.',
  },
  {
    pattern: /ECONNREFUSED/,
    next: 'Is `npm start` running in another terminal? For another address set EventHubs and ModelStorage (environment or local.settings.json), or EVENTHUBS_PORT and STORAGE_PORT for a local stack on other ports.',
  },
  {
    pattern: /ENOTFOUND|EAI_AGAIN/,
    next: 'The host name is not known: look at EventHubs or EventHubs__fullyQualifiedNamespace, and at the network.',
  },
  {
    pattern: /CredentialUnavailable|AggregateAuthenticationError|ChainedTokenCredential/,
    next: 'No Azure identity was found: run `az login`, or set EventHubs to a connection string.',
  },
  {
    pattern: /Unauthorized|AuthorizationFailed|AuthorizationPermissionMismatch|AuthenticationFailed|InvalidSignature/,
    next: 'The identity may not do this. It needs the roles Azure Event Hubs Data Sender and Receiver on the namespace and Storage Blob Data Contributor on the models account; roles take some minutes to arrive.',
  },
  {
    pattern: /MessagingEntityNotFound|messaging entity/i,
    next: 'Look at REQUESTS_HUB, RESULTS_HUB and DEAD_LETTER_HUB: the namespace has no such hub or consumer group.',
  },
  {
    pattern: /ContainerNotFound/,
    next: 'The account has no such container yet: `npx hubscore models push` makes it; or look at MODELS_CONTAINER.',
  },
  {
    pattern: /timed? ?out|OperationTimeout|ETIMEDOUT/i,
    next: 'Nothing answers: look at the address, a firewall (port 5671 or 5672), or whether `npm start` still runs.',
  },
];

interface Cause {
  readonly name: string;
  readonly message: string;
  readonly code: string | undefined;
}

/** The error, what caused it and what it gathers; an AggregateError without words of its own is left out. */
function causes(thrown: unknown, depth = 0): Cause[] {
  if (!(thrown instanceof Error) || depth > 8) return [];
  const { name, message, cause } = thrown;
  const code = (thrown as NodeJS.ErrnoException).code;
  const own = message ? [{ name, message, code: code === undefined ? undefined : String(code) }] : [];
  const gathered = thrown instanceof AggregateError ? thrown.errors : [];
  return [...own, ...[cause, ...gathered].flatMap(next => causes(next, depth + 1))];
}

const firstLine = (text: string) => text.split('\n')[0] ?? '';
