import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { MessagingError } from '@azure/core-amqp';
import { RestError } from '@azure/storage-blob';
import { Connection } from 'rhea-promise';
import { expect, it } from 'vitest';
import { explainProblem } from '../../../src/cli/problems.ts';
import { CommandError } from '../../../src/cli/terminal.ts';
import { IdentityError, InfrastructureError } from '../../../src/core/errors.ts';

it('looks into what an empty AggregateError gathers', () => {
  const refused = Object.assign(new Error('connect ECONNREFUSED ::1:5672'), { code: 'ECONNREFUSED' });
  const said = explainProblem(new AggregateError([refused], ''));
  expect(said.split('\n')).toEqual([
    'connect ECONNREFUSED ::1:5672',
    expect.stringContaining('Is `npm start` running'),
  ]);
});

it('looks into causes', () => {
  const cause = Object.assign(new Error('getaddrinfo ENOTFOUND nowhere'), { code: 'ENOTFOUND' });
  expect(explainProblem(new Error('listing models', { cause }))).toMatch(/^listing models\nThe host name is not known/);
});

it('says what a command says itself', () => {
  expect(explainProblem(new CommandError('no such model', 'Try `models list`.'))).toBe(
    'no such model\nTry `models list`.',
  );
});

it('says the first line of what it does not know', () => {
  expect(explainProblem(new Error('odd\nstack'))).toBe('odd');
  expect(explainProblem('thrown text')).toBe('thrown text');
});

const amqp = (code: string) => Object.assign(new MessagingError('it failed'), { code });
const storage = (code: string, statusCode: number) => new RestError('it failed', { code, statusCode });

it.each([
  ['a namespace that knows no such hub', amqp('MessagingEntityNotFoundError'), /^Look at REQUESTS_HUB/],
  ['a namespace that refuses', amqp('UnauthorizedError'), /^The identity may not do this/],
  ['a namespace that does not answer', amqp('OperationTimeoutError'), /^Nothing answers/],
  ['storage that refuses', storage('AuthorizationPermissionMismatch', 403), /^The identity may not do this/],
  ['storage that knows no such container', storage('ContainerNotFound', 404), /^The account has no such container/],
  ['no identity', new IdentityError('it failed'), /^No Azure identity was found/],
  ['a time that is over', new DOMException('it failed', 'TimeoutError'), /^Nothing answers/],
])('knows %s by class and code, and behind another error', (_, thrown, next) => {
  expect(explainProblem(thrown).split('\n')).toEqual(['it failed', expect.stringMatching(next)]);
  const outer = new InfrastructureError('reading', { cause: thrown });
  expect(explainProblem(outer).split('\n')).toEqual(['reading', expect.stringMatching(next)]);
});

it('knows a connection that does not open in time', async () => {
  const silent = createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  const connection = new Connection({
    transport: 'tcp',
    host: '127.0.0.1',
    port,
    reconnect: false,
    operationTimeoutInSeconds: 0.1,
  });
  const thrown = await connection.open().catch((error: unknown) => error);
  expect(explainProblem(thrown)).toMatch(/\nNothing answers/);
  connection.removeAllListeners();
  await connection.close().catch(() => {});
  silent.close();
});

it('takes no words for a code', () => {
  expect(explainProblem(new Error('model ECONNREFUSED: its ContainerNotFound timed out, Unauthorized'))).toBe(
    'model ECONNREFUSED: its ContainerNotFound timed out, Unauthorized',
  );
});
