/** Prints docs/settings.md from the settings' schema: `npx --no node scripts/settings-table.ts > docs/settings.md`. */
import { z } from 'zod';
import { settingsSchema } from '../src/config/settings.ts';

interface Property {
  readonly description?: string;
  readonly default?: unknown;
}

/** The page as Markdown; a test holds it against the file. */
export function settingsPage(): string {
  const schema = z.toJSONSchema(settingsSchema, { io: 'input' }) as { properties: Record<string, Property> };
  const rows = Object.entries(schema.properties).map(([name, { description, default: fallback }]) => {
    return `| \`${name}\` | ${fallback === undefined ? '' : `\`${fallback}\``} | ${description} |`;
  });
  return [
    '# Settings',
    '',
    'Environment variables on a laptop (or `Values` in `local.settings.json`), app settings in Azure. Made from `src/config/settings.ts` by `npx --no node scripts/settings-table.ts > docs/settings.md`.',
    '',
    'Several names are separated by commas. Where a setting does not parse, the functions are registered all the same, with the defaults: requests then wait in their hub, every try says in the log which settings are wrong and what they take, `/v2/health/ready` answers 503, and so does all other HTTP, with the same sentence. Values are never told. Commands end at once with it.',
    '',
    '| setting | default | what it does |',
    '|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

if (import.meta.main) process.stdout.write(settingsPage());
