import type { z } from 'zod';
import { faults } from '../../core/schema-faults.ts';

/** How a registry is reached: its address, and the header that lets one in. */
export interface Tracking {
  /** `http://localhost:5000`; a path before `/api` is kept. */
  readonly url: string;
  readonly authorization: string | undefined;
}

/** A registry does not have what was asked for, or does not say it; the message names both. */
export class MlflowError extends Error {
  override readonly name = 'MlflowError';
  /** Of the answer; undefined where there was none. */
  readonly status: number | undefined;

  constructor(message: string, options: ErrorOptions & { readonly status?: number } = {}) {
    super(message, options);
    this.status = options.status;
  }
}

type Query = Readonly<Record<string, string>>;

/** Asks one server by GET. */
export interface Asking {
  readonly base: string;
  /** @param path such as `api/2.0/mlflow/runs/get` @throws MlflowError where the answer is no 2xx */
  get(path: string, query: Query, signal: AbortSignal): Promise<Response>;
  /** @throws MlflowError where the answer is not what it should be, too */
  ask<T>(schema: z.ZodType<T>, path: string, query: Query, signal: AbortSignal): Promise<T>;
}

export function createAsking({ url, authorization }: Tracking): Asking {
  const base = url.replace(/\/+$/, '');
  const headers = authorization === undefined ? {} : { authorization };

  async function get(path: string, query: Query, signal: AbortSignal): Promise<Response> {
    const asked = new URL(`${base}/${path}`);
    for (const [name, value] of Object.entries(query)) asked.searchParams.set(name, value);
    let response: Response;
    try {
      response = await fetch(asked, { headers, signal });
    } catch (thrown) {
      signal.throwIfAborted();
      const cause = (thrown as Error).cause;
      throw new MlflowError(`${base} does not answer: ${cause instanceof Error ? cause.message : thrown}`, {
        cause: thrown,
      });
    }
    if (response.ok) return response;
    const said = await response.text().catch(() => '');
    const { message } = (parsed(said) ?? {}) as { message?: string };
    const words = (message ?? said).slice(0, 300);
    const { status } = response;
    throw new MlflowError(`${base} answers ${path.replace(/^api\/[\d.]+\//, '')} with ${status}: ${words}`, { status });
  }

  return {
    base,
    get,
    async ask(schema, path, query, signal) {
      const value = parsed(await (await get(path, query, signal)).text());
      const read = schema.safeParse(value);
      if (read.success) return read.data;
      throw new MlflowError(
        `what ${base} says to ${path.replace(/^api\/[\d.]+\//, '')} is not MLflow's: ${faults(read.error, value)}`,
      );
    },
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
