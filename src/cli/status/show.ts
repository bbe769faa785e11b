import { printable } from '../printable.ts';
import { layTable } from '../table.ts';
import type { Paint } from '../terminal.ts';
import type { Status } from './judge.ts';

/** The screen. @param width columns of the terminal */
export function showStatus(status: Status, place: string, width: number, paint: Paint): string[] {
  const nowMs = Date.parse(status.at);
  const rows = status.partitions.map(({ id, lag, last_ending, p50_ms, p95_ms }) => [
    id,
    lag.toLocaleString('en'),
    last_ending === undefined ? 'never' : `${age(nowMs - Date.parse(last_ending))} ago`,
    p50_ms === undefined ? '–' : `${Math.round(p50_ms)} ms`,
    p95_ms === undefined ? '–' : `${Math.round(p95_ms)} ms`,
  ]);
  const heads = ['partition', 'lag', 'last ending', 'to sent p50', 'p95'];
  const letters = status.dead_letters.reduce((sum, { count }) => sum + count, 0);
  return [
    printable(place),
    '',
    ...layTable({ heads, rows, width }, paint),
    '',
    ...status.models.map(
      ({ model, version, since }) =>
        `serves      ${paint('cyan', printable(model))} ${version ?? '?'}${since === undefined ? '' : `  since ${since.slice(0, 16)}Z`}`,
    ),
    ...appLines(status),
    `dead        ${letters.toLocaleString('en')} in the last hour`,
    ...status.dead_letters
      .slice(0, 10)
      .map(
        ({ code, model, count }) =>
          `            ${count.toLocaleString('en')}  ${code}  ${printable(model ?? '(no model)')}`,
      ),
    '',
    ...(status.trouble.length === 0
      ? [paint('green', 'nothing to do')]
      : status.trouble.map(({ what, see }) => `${paint('red', 'act')}  ${printable(what)}: ${see}`)),
  ];
}

function appLines({ app, app_unknown }: Status): string[] {
  if (!app) return [`app         ${printable(app_unknown ?? 'not asked')}`];
  const states = Object.entries(app.breakers).map(([target, state]) => `${target} ${state}`);
  return [
    `breakers    ${states.join(', ') || 'none used yet'}`,
    `throttled   ${app.throttled.toLocaleString('en')} sends since the app started`,
  ];
}

function age(ms: number): string {
  if (ms < 90_000) return `${Math.max(0, Math.round(ms / 1000))} s`;
  return ms < 5_400_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 3_600_000)} h`;
}
