import { z } from 'zod';

/** `null` and absent mean the same. */
const optional = <T extends z.ZodType>(type: T) => type.nullish().transform(value => value ?? undefined);

const MAX_SECONDS = 600;

/** What a card says of the server that has its model, `"backend": {…}`: no model file lies beside such a card. */
export const remoteSchema = z.looseObject({
  kind: z.enum(['open-inference', 'mlflow']),
  /** Where the server answers, without `/v2` or `/invocations`. */
  url: z.string().refine(isHttp, 'expected http:// or https:// with a host, without user, password, query or fragment'),
  /** What the server calls the model; absent: as the card's version is called here. */
  model: optional(z.string().min(1)),
  /** The server's version of it; absent: the one that it serves. */
  version: optional(z.string().min(1)),
  /** A token that the setting REMOTE_TOKENS has under this name is sent with each call. */
  token: optional(z.string().min(1)),
  /** A token that the app's identity gets for this scope is sent with each call, `api://…/.default`. */
  scope: optional(z.string().min(1)),
  /** A call that takes longer is given up. */
  timeout_seconds: z.number().positive().max(MAX_SECONDS).default(10),
  /** Calls again after one that failed for the server's sake. */
  retries: z.number().int().min(0).max(10).default(1),
  /** Calls at once, of all partitions together. */
  max_concurrent: z.number().int().min(1).max(256).default(4),
});

export type RemoteCard = z.infer<typeof remoteSchema>;

/** The server that a card names; undefined where it names none. @throws Error that says what is wrong with it. */
export function remoteOf(card: Readonly<Record<string, unknown>>): RemoteCard | undefined {
  if (card.backend == null) return undefined;
  const parsed = remoteSchema.safeParse(card.backend);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Error(`backend${issue?.path.map(step => `.${String(step)}`).join('') ?? ''}: ${issue?.message}`);
}

/** One of several that may answer, by how many instances come at once, `"backends": [{…, "max_instances": 8}, {…}]`. */
const choiceSchema = remoteSchema.extend({
  /** `onnx`: the model file beside the card. */
  kind: z.enum(['onnx', 'open-inference', 'mlflow']),
  url: optional(remoteSchema.shape.url),
  /** More at once are not for it; absent: as many as it takes. */
  max_instances: optional(z.number().int().min(1)),
});

export const choicesSchema = z
  .array(choiceSchema)
  .min(1)
  .max(8)
  .refine(
    all => all.every(({ kind, url }) => (kind === 'onnx') === (url === undefined)),
    'expected a url, but for onnx',
  )
  .refine(all => all.filter(({ kind }) => kind === 'onnx').length <= 1, 'expected the model file once');

export type ChoiceCard = z.infer<typeof choiceSchema>;

/** The backends that a card names, the first first; undefined where it names none. @throws Error that says what is wrong with it. */
export function choicesOf(card: Readonly<Record<string, unknown>>): readonly ChoiceCard[] | undefined {
  if (card.backends == null) return undefined;
  const parsed = choicesSchema.safeParse(card.backends);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Error(`backends${issue?.path.map(step => `.${String(step)}`).join('') ?? ''}: ${issue?.message}`);
}

function isHttp(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, search, hash } = new URL(text);
  return (protocol === 'http:' || protocol === 'https:') && `${username}${password}${search}${hash}` === '';
}
