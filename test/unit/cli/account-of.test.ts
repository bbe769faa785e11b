import { expect, it } from 'vitest';
import { accountOf } from '../../../src/cli/model-room.ts';
import { readSettings } from '../../../src/config/config.ts';

it.each([
  [{ ModelStorage__blobServiceUri: 'https://prod.blob.core.windows.net' }, ' at prod.blob.core.windows.net'],
  [{ ModelStorage: 'DefaultEndpointsProtocol=https;AccountName=prod;AccountKey=a2V5' }, ' at prod'],
  [{ ModelStorage: 'AccountName=devstoreaccount1;BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1;' }, ''],
])('push says which account it speaks to, unless that is this machine', (environment, place) => {
  expect(accountOf(readSettings(environment))).toBe(place);
});
