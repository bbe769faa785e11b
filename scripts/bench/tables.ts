import { short } from './bars.ts';
import { figure, type Result } from './results.ts';

/** What the real Functions host drained, rows a second, by rows an event; a throughput unit carries so many rows of ten short numbers. */
const REAL_PACKS = { 1: ['29,000', '500'], 10: ['139,000', '4,900'], 100: ['264,000', '6,500'] } as const;
const PACKED = 'diabetes 1.0.0 (logistic), ns a row';

/** What a row costs by how many share an event. */
export function packsTable(packs: Result, stream: Result): string {
  const microseconds = (name: string) => short(figure(packs, PACKED, 'nsPerEvent', name) / 1000);
  const row = (rows: keyof typeof REAL_PACKS, name: string, inFunction: string) => {
    const [real, unit] = REAL_PACKS[rows];
    return `| ${rows} | ${inFunction} | ${short(figure(stream, `${name}, rows/s`))} | ${real} | ${unit} |`;
  };
  const both = (rows: number) =>
    `${microseconds(`packs of ${rows}, lists`)} µs, ${microseconds(`packs of ${rows}, table`)} as a table of columns`;
  return `| rows an event | in the function, a row | drained by the local host, rows/s | by the real host, rows/s | a throughput unit carries, rows/s |
|---|---|---|---|---|
${row(1, 'single events', `${microseconds('single events')} µs`)}
${row(10, 'packs of 10', both(10))}
${row(100, 'packs of 100', both(100))}`;
}

/** What an event costs by how it is written. */
export function inputsTable(inputs: Result): string {
  const costs = figure<Readonly<Record<string, number>>>(
    inputs,
    'diabetes 1.0.0 (10 numbers), batch 256',
    'nsPerEvent',
  );
  const plain = costs['off the shape'] as number;
  const rows = Object.entries(costs).map(
    ([name, ns]) => `| ${name} | ${short(ns / 1000)} µs | ${(ns / plain).toFixed(2)} |`,
  );
  return `| an event | costs | of a request off the usual shape |
|---|---|---|
${rows.join('\n')}`;
}

/** Servers by HTTP, by how many rows a request has. */
export function serversTable(servers: Result): string {
  const sizes = Object.entries(servers.figures as Readonly<Record<string, Readonly<Record<string, unknown>>>>);
  const [, first] = sizes[0] as (typeof sizes)[number];
  const rows = Object.keys(first).map(name => {
    const cells = sizes.map(([size]) => {
      const of = (what: string) => short(figure(servers, size, name, what));
      return `${of('requestsPerSecond')}, ${of('p99MsAtHalf')} ms`;
    });
    return `| ${name} | ${cells.join(' | ')} |`;
  });
  return `| | ${sizes.map(([size]) => size).join(' | ')} |
|---|${'---|'.repeat(sizes.length)}
${rows.join('\n')}`;
}

/** Files beside loops in Python, and a large one alone. */
export function filesTable(peers: Result, alone: Result): string {
  const names = Object.keys(peers.figures as object);
  const rows = names.map(name => {
    const beside = (peer: string) =>
      ['from the start, times as fast', 'our start alone, times as fast', 'without a start, times as fast']
        .map(what => short(figure(peers, name, what, peer)))
        .join(', ');
    const own = short(figure(peers, name, 'hubscore', 'from its start, rows/s'));
    return `| ${name} | ${own} | ${['pandas', 'polars', 'Spark'].map(beside).join(' | ')} |`;
  });
  const [large = ''] = Object.keys(alone.figures as object);
  const of = (what: string) => short(figure(alone, large, what));
  return `| | rows/s | pandas | polars | Spark |
|---|---|---|---|---|
${rows.join('\n')}

${large}, by itself: ${of('from its start, rows/s')} rows/s, ${of('CPU a row, µs, start included')} µs of a processor a row, ${of('peak memory of the largest process, MB')} MB in the largest process.`;
}

/** A job of the functions app, in a sentence a measurement. */
export function jobsText(jobs: Result): string {
  const [chunk, whole, beside] = Object.keys(jobs.figures as object) as [string, string, string];
  const of = (...path: string[]) => short(figure(jobs, ...path));
  return `Jobs, by the functions app beside Azurite (\`npm run bench -- --only batch-jobs\`): a row costs ${of(chunk, 'CPU a row, µs')} µs of a processor ${chunk}, and the process takes ${of(chunk, 'peak memory, MiB')} MiB. ${of(whole, 'chunks')} chunks take ${of(whole, 'whole job, s')} s, of which the commit ${of(whole, 'commit, s')}, report and rejects ${of(whole, 'report and list of rejects, s')} and clean-up ${of(whole, 'clean-up, s')} s. The stream at ${of(beside, 'alone, ms', 'rate')} requests a second has a p99 of ${of(beside, 'alone, ms', 'p99')} ms alone, and of ${of(beside, 'beside a job, ms', 'p99')} ms beside jobs.`;
}

const REMOTE_ROWS = 64;

/** Milliseconds that a batch takes at a model server, by who asks it. */
export function remoteTable(remote: Result): string {
  const ways = [
    'its own client',
    'a bare HTTP client',
    'hubscore',
    'a bare HTTP client, four at once',
    'hubscore, four at once',
  ];
  const rows = Object.keys(remote.figures as object).map(server => {
    const cells = ways.map(way => short((figure(remote, server, 'nsPerEvent', way) * REMOTE_ROWS) / 1e6));
    return `| ${server.replace(/,.*/, '')} | ${cells.join(' | ')} |`;
  });
  return `| | ${ways.join(' | ')} |
|---|${'---|'.repeat(ways.length)}
${rows.join('\n')}`;
}
