import type { Page } from './pages.ts';

export interface ShownRequest {
  readonly at: string;
  readonly id: string;
  /** On one line. */
  readonly line: string;
}

/** The requests that pages show as JSON of their own: what has an id, and features or inputs. */
export function requestsOn(pages: readonly Page[]): ShownRequest[] {
  return pages.flatMap(({ name, blocks }) =>
    blocks.flatMap(({ language, line, text }) => {
      if (language !== 'json' || text.includes('…') || !text.startsWith('{')) return [];
      const value: unknown = JSON.parse(text);
      const fields = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
      if (!('features' in fields || 'inputs' in fields) || !('request_id' in fields || 'id' in fields)) return [];
      return [{ at: `${name}:${line}`, id: String(fields.request_id ?? fields.id), line: JSON.stringify(value) }];
    }),
  );
}
