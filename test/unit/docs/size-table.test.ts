import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { capacityTable, pageWithTable } from '../../../scripts/capacity-table.ts';

const page = readFileSync(resolve(import.meta.dirname, '../../../docs/size.md'), 'utf8');

it('the capacity table of docs/size.md is what the formulas give, up to a million rows a second', () => {
  expect(pageWithTable(page)).toBe(page);
  expect(capacityTable()).toMatch(/\n\| 1,000,000 \| 1 \| 50 × 40 \|/);
});
