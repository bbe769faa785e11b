import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../../../src/local/event-hubs/config-error.ts';
import { DEFAULT_HUBS, parseHubConfig, readHubConfig } from '../../../../src/local/event-hubs/hub-config.ts';
import { readSettings } from '../../../../src/local/event-hubs/settings.ts';

const config = (entities: unknown, type = 'EventHub') => ({
  UserConfig: {
    NamespaceConfig: [{ Type: type, Name: 'emulatorNs1', Entities: entities }],
    LoggingConfig: { Type: 'File' },
  },
});

describe("the official emulator's Config.json", () => {
  it('is read as it is', () => {
    const hubs = parseHubConfig(
      config([
        { Name: 'eh1', PartitionCount: '2', ConsumerGroups: [{ Name: 'cg1' }, { Name: '$Default' }] },
        { Name: 'room/sensors', PartitionCount: 32 },
      ]),
      'Config.json',
    );
    expect(hubs).toEqual([
      { name: 'eh1', partitionCount: 2, consumerGroups: ['cg1'] },
      { name: 'room/sensors', partitionCount: 32, consumerGroups: [] },
    ]);
  });

  it.each([
    ['a byte order mark', (text: string) => `\uFEFF${text}`],
    ['comments', (text: string) => `// two partitions\n${text.replace('"Name"', '/* the hub */ "Name"')}`],
    ['trailing commas', (text: string) => text.replaceAll(/([\]}])(?=\s*[\]}])/g, '$1,')],
  ])('is read with %s', (_, change) => {
    const folder = mkdtempSync(join(tmpdir(), 'hubscore-config-'));
    const file = join(folder, 'Config.json');
    const text = JSON.stringify(
      config([{ Name: 'eh1', PartitionCount: 2, ConsumerGroups: [{ Name: 'cg1' }] }]),
      null,
      1,
    );
    expect(change(text)).not.toBe(text);
    writeFileSync(file, change(text));
    expect(readHubConfig(file)).toEqual([{ name: 'eh1', partitionCount: 2, consumerGroups: ['cg1'] }]);
    rmSync(folder, { recursive: true });
  });

  it.each(['Config.bom.json', 'Config.comments.json'])('is read as somebody had it: %s', name => {
    const file = join(import.meta.dirname, '../../../fixtures/cases/emulator-config-bom', name);
    expect(readHubConfig(file)).toEqual([{ name: 'eh1', partitionCount: 2, consumerGroups: ['cg1'] }]);
  });

  it.each([
    ['no hubs', config([]), 'Entities'],
    ['too many partitions', config([{ Name: 'a', PartitionCount: 33 }]), 'Entities.0.PartitionCount'],
    ['a count that is no number', config([{ Name: 'a', PartitionCount: 'two' }]), 'Entities.0.PartitionCount'],
    ['no name', config([{ PartitionCount: 1 }]), 'Entities.0.Name'],
    ['a name with spaces', config([{ Name: 'a b', PartitionCount: 1 }]), 'Entities.0.Name'],
    ['another type', config([{ Name: 'a', PartitionCount: 1 }], 'Queue'), 'only EventHub'],
    ['eleven hubs', config(Array.from({ length: 11 }, (_, i) => ({ Name: `h${i}`, PartitionCount: 1 }))), 'Entities'],
    [
      'two of a name',
      config([
        { Name: 'a', PartitionCount: 1 },
        { Name: 'A', PartitionCount: 1 },
      ]),
      'twice',
    ],
    ['something else', { hubs: [] }, 'UserConfig'],
  ])('with %s is refused, and says where', (_, json, place) => {
    expect(() => parseHubConfig(json, 'my.json')).toThrow(ConfigError);
    expect(() => parseHubConfig(json, 'my.json')).toThrow(place);
    expect(() => parseHubConfig(json, 'my.json')).toThrow('my.json');
  });

  it('that is not there is named', () => {
    expect(() => readHubConfig('/nowhere/Config.json')).toThrow('/nowhere/Config.json');
  });
});

it("without one, the contract's hubs are served", () => {
  expect(DEFAULT_HUBS.map(({ name, partitionCount }) => [name, partitionCount])).toEqual([
    ['inference-requests', 4],
    ['inference-requests-results', 4],
    ['inference-dead-letter', 4],
    ['inference-labels', 2],
  ]);
});

describe('settings', () => {
  it('have defaults', () => {
    expect(readSettings({}, [])).toMatchObject({
      EVENTHUBS_PORT: 5672,
      EVENTHUBS_HEALTH_PORT: 5300,
      KAFKA_PORT: 9092,
      LOCAL_DATA_DIR: '.local',
    });
  });

  it.each([
    [{ EVENTHUBS_PORT: 'amqp' }, [], 'EVENTHUBS_PORT=amqp'],
    [{ EVENTHUBS_PORT: '70000' }, [], 'EVENTHUBS_PORT=70000'],
    [{ KAFKA_PORT: '-1' }, [], 'KAFKA_PORT=-1'],
    [{}, ['--confg', 'x'], '--confg'],
  ])('that are wrong are named: %o %o', (environment, args, named) => {
    expect(() => readSettings(environment, args)).toThrow(ConfigError);
    expect(() => readSettings(environment, args)).toThrow(named);
  });
});
