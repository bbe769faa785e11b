import { PLANNED_SHARE } from '../../size/costs.ts';
import { layTable, type Table } from '../table.ts';
import type { Paint } from '../terminal.ts';
import { type Choice, isWay, ms, nameOf, type Point, type SideBySide, type Way } from './choose.ts';
import { CONFIRMED_MS, type Demand, HOST_BATCH_MS, HOST_EVENT_MS, type Sizing } from './size.ts';

const BARS = '▁▂▃▄▅▆▇█';
const CELL = 20;
/** ` batch 1000` */
const HEAD = 11;

/** Events a second by batch size, a column for each way, the chosen one marked; several tables where they have no room beside each other. */
export function showCurve(points: readonly Point[], choice: Choice, paint: Paint, width: number): string[] {
  const ways = waysOf(points);
  const beside = Math.max(1, Math.min(ways.length, Math.floor((width - HEAD) / CELL)));
  const lines: string[] = [];
  for (let from = 0; from < ways.length; from += beside) {
    if (from > 0) lines.push('');
    lines.push(...curveOf(ways.slice(from, from + beside), points, choice, paint));
  }
  return lines;
}

function curveOf(ways: readonly Way[], points: readonly Point[], choice: Choice, paint: Paint): string[] {
  const batches = [...new Set(points.map(({ batch }) => batch))].sort((a, b) => a - b);
  const best = Math.max(...points.map(({ perSecond }) => perSecond));
  const cell = (way: Way, batch: number) => {
    const point = points.find(each => isWay(way)(each) && each.batch === batch);
    if (!point) return ''.padStart(CELL);
    const chosen = isWay(way)(choice) && batch === choice.batch;
    const bar = BARS[Math.min(BARS.length - 1, Math.floor((point.perSecond / best) * BARS.length))];
    const text = `${rate(point.perSecond)} ${bar}`.padStart(CELL - 2);
    return `${chosen ? paint('green', text) : text}${chosen ? ' ←' : '  '}`;
  };
  const heads = ways.map(way => {
    const name = wayName(way).padStart(CELL - 2);
    return name.padEnd(CELL);
  });
  return [
    paint('dim', ` ${'events/s'.padEnd(HEAD - 1)}${heads.join('')}`),
    ...batches.map(batch => ` batch ${String(batch).padStart(HEAD - 7)}${ways.map(way => cell(way, batch)).join('')}`),
  ];
}

/** What several partitions get out of it at once. */
export function showSideBySide(sides: readonly SideBySide[], choice: Choice, paint: Paint, width: number): string[] {
  const table: Table = {
    heads: [`${sides[0]?.streams ?? 1} partitions at once`, 'events/s', 'batch p50 ms', 'p95', 'timers late p99'],
    rows: sides.map(side => [
      `${wayName(side)}, batch ${side.batch}`,
      rate(side.perSecond),
      ms(side.p50Ms),
      ms(side.p95Ms),
      `${ms(side.timersLateMs)} ms${isWay(side)(choice) ? ' ←' : '  '}`,
    ]),
    width: width - 1,
    paintCell: (text, row) => (sides[row] && isWay(sides[row])(choice) ? paint('green', text) : text),
  };
  return layTable(table, paint).map(line => ` ${line}`);
}

export function showSizing({ rate: wanted, instanceCores }: Demand, sizing: Sizing, paint: Paint): string[] {
  const line = (name: string, text: string) => ` ${paint('dim', name.padEnd(18))}${text}`;
  const month = (cost: number | undefined) => (cost === undefined ? '' : `: ${rate(cost)} a month`);
  const costs = [sizing.instancesMonth, sizing.throughputUnitsMonth].filter(cost => cost !== undefined);
  const many =
    sizing.throughputUnits > 40
      ? '; more than the 40 of one Standard namespace: several instances in a request count as one event'
      : '';
  const cores = `${instanceCores} ${instanceCores === 1 ? 'core' : 'cores'}`;
  return [
    paint('bold', ` for ${rate(wanted)} requests a second, planned to ${PLANNED_SHARE * 100} %`),
    line(
      'instances',
      `${sizing.instances} of ${cores}, ${rate(sizing.perInstance)}/s each${month(sizing.instancesMonth)}`,
    ),
    line(
      'partitions',
      `${sizing.partitions} a hub: one scores ${rate(sizing.perPartition)}/s, and takes 1,000/s for sure${sizing.partitions > 32 ? '; Standard has 32' : ''}`,
    ),
    line('throughput units', `${sizing.throughputUnits}${month(sizing.throughputUnitsMonth)}${many}`),
    ...(costs.length > 0 ? [line('together', `${rate(costs.reduce((a, b) => a + b, 0))} a month`)] : []),
    paint(
      'dim',
      ` counted beside the model: the host's ${HOST_BATCH_MS} ms a batch and ${HOST_EVENT_MS * 1000} µs an event, ${CONFIRMED_MS} ms until results are confirmed`,
    ),
  ];
}

function waysOf(points: readonly Way[]): Way[] {
  const ways: Way[] = [];
  for (const { placement, threads } of points) {
    if (!ways.some(isWay({ placement, threads }))) ways.push({ placement, threads });
  }
  return ways;
}

export const wayName = ({ placement, threads }: Way) =>
  `${placement === 'worker' ? 'worker' : nameOf(placement)}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;

const rate = (value: number) => Math.round(value).toLocaleString('en');
