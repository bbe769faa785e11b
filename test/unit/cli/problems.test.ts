import { expect, it } from 'vitest';
import { explainProblem } from '../../../src/cli/problems.ts';
import { CommandError } from '../../../src/cli/terminal.ts';

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
