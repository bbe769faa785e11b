/** Writes the JSON schemas that editors check cards and deployments by: `node scripts/json-schemas.ts`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { cardSchema } from '../src/models/card.ts';
import { documentSchema } from '../src/rollouts/document.ts';

const FOLDER = new URL('../docs/schemas/', import.meta.url);

/** File name → its text; a test holds them against the files. */
export function jsonSchemas(): Record<string, string> {
  const text = (title: string, schema: z.ZodType) =>
    `${JSON.stringify({ title, ...z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) }, undefined, 2)}\n`;
  return {
    'model.schema.json': text('model.json of hubscore', cardSchema),
    'deployment.schema.json': text('deployment.json of hubscore', documentSchema),
  };
}

if (import.meta.main) {
  mkdirSync(FOLDER, { recursive: true });
  for (const [name, text] of Object.entries(jsonSchemas())) writeFileSync(new URL(name, FOLDER), text);
}
