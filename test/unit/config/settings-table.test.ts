import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { EXAMPLES, settingsPage } from '../../../scripts/settings-table.ts';
import { settingsSchema } from '../../../src/config/settings.ts';

it('docs/settings.md is what the schema says', () => {
  const page = readFileSync(new URL('../../../docs/settings.md', import.meta.url), 'utf8');
  expect(page, 'run: node scripts/settings-table.ts > docs/settings.md').toBe(settingsPage());
});

it('every example is one that the setting takes, and stands for a setting that there is', () => {
  const parsed = settingsSchema.safeParse(EXAMPLES);
  expect(parsed.error?.issues ?? []).toEqual([]);
  expect(Object.keys(EXAMPLES).filter(name => !(name in settingsSchema.shape))).toEqual([]);
});
