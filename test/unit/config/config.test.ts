import { describe, expect, it } from 'vitest';
import { readServingSettings, readSettings, settingsOrDefaults } from '../../../src/config/config.ts';
import { settingsSchema } from '../../../src/config/settings.ts';
import { ConfigurationError, ERROR_CODES } from '../../../src/core/errors.ts';

/** A value that no setting but a free text takes, and that no sentence holds by chance. */
const SECRET = 'pa55word,';

function refusal(environment: Record<string, string>): string {
  try {
    readSettings(environment);
  } catch (thrown) {
    if (thrown instanceof ConfigurationError) return thrown.message;
    throw thrown;
  }
  throw new Error(`${Object.keys(environment)} were taken`);
}

describe('settings', () => {
  it('have the defaults of the contract', () => {
    const settings = readSettings({});
    expect(settings.REQUESTS_HUB).toBe('inference-requests');
    expect(settings.RESULTS_HUB).toBe('inference-requests-results');
    expect(settings.DEAD_LETTER_HUB).toBe('inference-dead-letter');
    expect(settings.CONSUMER_GROUP).toBe('inference-consumer');
    expect(settings.REQUEST_TIMEOUT_MS).toBeUndefined();
    expect(settings.RECOVERY_CONSUMER_GROUPS).toEqual(['$Default', 'monitor']);
    expect(settings.REPLAY_CODES).toEqual(['unknown_model', 'model_unavailable', 'inference_failed', 'unexpected']);
  });

  it('that are wrong are all named, with what they take', () => {
    const said = refusal({
      MODEL_REFRESH_SECONDS: 'soon',
      MODELS_CONTAINER: '',
      SENDER: 'pigeon',
      BREAKER_FAILURES: '0',
    });
    expect(said).toBe(
      'settings are wrong: MODELS_CONTAINER takes a text that is not empty; ' +
        'MODEL_REFRESH_SECONDS takes a whole number, at least 1; ' +
        'SENDER takes `direct` or `sdk`; BREAKER_FAILURES takes a whole number, at least 1',
    );
  });

  it.each(Object.keys(settingsSchema.shape))('%s is told without its value, in our words', name => {
    const parsed = settingsSchema.safeParse({ [name]: SECRET });
    if (parsed.success) return; // a free text
    const said = refusal({ [name]: SECRET });
    expect(said).toMatch(new RegExp(`^settings are wrong: ${name} takes [^;]+$`));
    expect(said).not.toContain('pa55word');
  });

  it.each(['', ' ', 'NaN', '1.5', '-1', 'Infinity'])('a whole number is not "%s"', value => {
    expect(refusal({ WORKER_THREADS: value })).toBe(
      'settings are wrong: WORKER_THREADS takes a whole number, at least 0',
    );
    expect(refusal({ CACHE_ENTRIES: value })).toContain('CACHE_ENTRIES takes');
  });

  it('a replay is not scheduled oftener than the host says when the last one was', () => {
    expect(refusal({ REPLAY_SCHEDULE: '*/30 * * * * *' })).toMatch(
      /^settings are wrong: REPLAY_SCHEDULE takes a schedule of one firing a minute at most: /,
    );
    expect(readSettings({ REPLAY_SCHEDULE: '30 * * * * *' }).REPLAY_SCHEDULE).toBe('30 * * * * *');
    expect(readSettings({ FILL_HOLES_SCHEDULE: '*/30 * * * * *' }).FILL_HOLES_SCHEDULE).toBe('*/30 * * * * *');
  });

  it('that are wrong count as their defaults where the host must be told something', () => {
    const environment = {
      HTTP_AUTH_LEVEL: 'anonymus',
      REQUESTS_HUB: '',
      CONSUMER_GROUP: 'mine',
      FILL_HOLES_SCHEDULE: 'often',
      REPLAY_SCHEDULE: 'never',
      REPLAY_CODES: 'no_such_code',
    };
    expect(settingsOrDefaults(environment)).toEqual({ ...readSettings({}), CONSUMER_GROUP: 'mine' });
    expect(settingsOrDefaults(environment).HTTP_AUTH_LEVEL).toBe('function');
    expect(settingsOrDefaults({ HTTP_AUTH_LEVEL: 'anonymous' }).HTTP_AUTH_LEVEL).toBe('anonymous');
  });
});

describe('settings of the result cache', () => {
  it('that are wrong count as their defaults where the app serves, and are told', () => {
    const { settings, ignored, reason } = readServingSettings({
      CACHE_MB: SECRET,
      REDIS_AUTH: SECRET,
      CONSUMER_GROUP: 'c',
    });
    expect(settings).toEqual({ ...readSettings({}), CONSUMER_GROUP: 'c' });
    expect(ignored).toEqual(['CACHE_MB', 'REDIS_AUTH']);
    expect(reason).toMatch(/^the default stands in for settings that are wrong: CACHE_MB takes .*; REDIS_AUTH takes /);
    expect(reason).not.toContain(SECRET);
  });

  it('that are right are not spoken of, and do not excuse others that are wrong', () => {
    expect(readServingSettings({ CACHE_MB: '7' })).toMatchObject({
      settings: { CACHE_MB: 7 },
      ignored: [],
      reason: undefined,
    });
    expect(() => readServingSettings({ CACHE_MB: SECRET, WORKER_THREADS: SECRET })).toThrow(
      /^settings are wrong: WORKER_THREADS takes a whole number, at least 0$/,
    );
  });
});

describe('settings with several names', () => {
  it('are taken apart at commas, trimmed, each name once', () => {
    const settings = readSettings({
      REPLAY_CODES: 'model_unavailable, unexpected,,model_unavailable ,',
      RECOVERY_CONSUMER_GROUPS: ' monitor,$Default , monitor',
    });
    expect(settings.REPLAY_CODES).toEqual(['model_unavailable', 'unexpected']);
    expect(settings.RECOVERY_CONSUMER_GROUPS).toEqual(['monitor', '$Default']);
  });

  it('take codes that exist, and say which', () => {
    for (const code of ERROR_CODES) expect(readSettings({ REPLAY_CODES: code }).REPLAY_CODES).toEqual([code]);
    const said = refusal({ REPLAY_CODES: 'unexpected,model_gone,none' });
    expect(said).toBe(`settings are wrong: REPLAY_CODES takes by comma, any of ${ERROR_CODES.join(', ')}`);
  });

  it.each(['', ' ', ',', ' , ,'])('are not empty ("%s")', value => {
    expect(refusal({ REPLAY_CODES: value, RECOVERY_CONSUMER_GROUPS: value })).toMatch(
      /: RECOVERY_CONSUMER_GROUPS takes names, by comma; REPLAY_CODES takes by comma, any of/,
    );
  });
});
