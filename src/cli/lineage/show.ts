import { jsonLine, printable } from '../printable.ts';
import type { Paint } from '../terminal.ts';
import type { MemberFiles } from './files.ts';

const MAX_BODY = 300;

/** A lineage, for a person: a line a fact, the outermost first. */
export function showLineage(said: Readonly<Record<string, unknown>>, paint: Paint): string[] {
  const { result_id, ending, model, version, road, files, request, rollout, deployment, app, unknown } = said;
  const line = (name: string, value: unknown) =>
    value === undefined || value === null
      ? []
      : [`${name.padEnd(14)} ${typeof value === 'string' ? printable(value) : jsonLine(value)}`];
  const { body, ...about } = (request ?? {}) as Readonly<Record<string, unknown>>;
  return [
    paint('bold', printable(`${result_id}: ${ending ?? 'no ending'} of ${model ?? '?'} ${version ?? ''}`)),
    ...line('road', (road as readonly string[]).join(', ')),
    ...line('asked for', said.requested_version),
    ...Object.entries(files as object).flatMap(([name, hash]) => line(name, `sha256 ${hash}`)),
    ...((said.members ?? []) as readonly MemberFiles[]).flatMap(({ model, version, files }) =>
      line('member', `${model} ${version}: ${jsonLine(files)}`),
    ),
    ...line('trained on', said.training_data_hash),
    ...line('experiment', said.experiment_id),
    ...line('mlflow', said.mlflow),
    ...line('rollout', rollout),
    ...line('document', deployment),
    ...line('app', app),
    ...(request === null ? [] : [...line('request', about), ...line('body', String(body).slice(0, MAX_BODY))]),
    ...(unknown as readonly string[]).map(words => `${paint('yellow', 'not known'.padEnd(14))} ${printable(words)}`),
  ];
}
