import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { settingsPage } from '../../scripts/settings-table.ts';
import { readSettings } from '../../src/config/config.ts';

describe('settings', () => {
  it('docs/settings.md is what the schema says', () => {
    const page = readFileSync(new URL('../../docs/settings.md', import.meta.url), 'utf8');
    expect(page, 'run: node scripts/settings-table.ts > docs/settings.md').toBe(settingsPage());
  });

  it('has the defaults of the contract', () => {
    const settings = readSettings({});
    expect(settings.REQUESTS_HUB).toBe('inference-requests');
    expect(settings.RESULTS_HUB).toBe('inference-requests-results');
    expect(settings.DEAD_LETTER_HUB).toBe('inference-dead-letter');
    expect(settings.CONSUMER_GROUP).toBe('inference-consumer');
    expect(settings.REQUEST_TIMEOUT_MS).toBeUndefined();
  });

  it('names the wrong setting, what it takes and what came', () => {
    expect(() => readSettings({ MODEL_REFRESH_SECONDS: 'soon' })).toThrow(/MODEL_REFRESH_SECONDS="soon".*number/);
  });
});
