import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { settingsPage } from '../../../scripts/settings-table.ts';

it('docs/settings.md is what the schema says', () => {
  const page = readFileSync(new URL('../../../docs/settings.md', import.meta.url), 'utf8');
  expect(page, 'run: node scripts/settings-table.ts > docs/settings.md').toBe(settingsPage());
});
