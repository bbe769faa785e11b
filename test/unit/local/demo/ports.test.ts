import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { explainUsedPorts, readPorts } from '../../../../src/local/demo/ports.ts';

it('takes the ports of the contract, or those of the environment', () => {
  expect(readPorts({}).map(({ port }) => port)).toEqual([5672, 5300, 9092, 10000, 10001, 7071]);
  expect(readPorts({ EVENTHUBS_PORT: '6000', STORAGE_PORT: '' })[0]?.port).toBe(6000);
  expect(() => readPorts({ STORAGE_PORT: '99999' })).toThrow('STORAGE_PORT=99999 is no port');
});

it('names ports in use and a command line with free ones', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const ports = [{ setting: 'STORAGE_PORT', purpose: 'Blob storage', port }];
  const said = await explainUsedPorts(ports);
  expect(said).toContain(`port ${port} for Blob storage (STORAGE_PORT)`);
  expect(Number(/STORAGE_PORT=(\d+) npm start/.exec(said ?? '')?.[1])).toBeGreaterThan(port);
  server.close();
  await once(server, 'close');
  expect(await explainUsedPorts(ports)).toBeUndefined();
});
