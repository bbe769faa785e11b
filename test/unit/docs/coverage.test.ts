import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { commandsPage, programForShow } from '../../../scripts/commands-table.ts';
import { settingsSchema } from '../../../src/config/settings.ts';
import { ERROR_CODES, STAGES } from '../../../src/core/errors.ts';
import { LOG_TOPICS, logTopicOf } from '../../../src/core/log-topics.ts';
import { METRICS } from '../../../src/telemetry/metrics.ts';
import { logCalls } from '../../support/pages/log-calls.ts';
import { commandsIn, readPages } from '../../support/pages/pages.ts';

/*
 * What exists is on a page, and what pages name exists: settings, commands and flags, metrics, dead-letter codes, stages, alerts, log messages. New pages are read like the old ones.
 */

const ROOT = resolve(import.meta.dirname, '../../..');
const pages = readPages(ROOT);
const text = pages.map(page => page.text).join('\n');
const operate = readFileSync(join(ROOT, 'docs/operate.md'), 'utf8');
/** Everything that may know a name but the pages: what of it is in none of these files does not exist. */
const sources = globSync(
  '{src,infra,scripts,deploy,samples,bench,test,.ci}/**/*.{ts,cjs,mjs,bicep,json,yaml,py,sh,js,Dockerfile}',
  {
    cwd: ROOT,
    exclude: ['**/node_modules/**', 'test/unit/docs/**', 'bench/results/**'],
  },
)
  .concat(['azure.yaml', 'host.json', 'package.json', 'deploy/Dockerfile', 'local.settings.sample.json'])
  .map(file => readFileSync(join(ROOT, file), 'utf8'))
  .join('\n');

/** Of the Kafka protocol and of azd: what pages say of others' products. */
const FOREIGN = new Set([
  'MESSAGE_TOO_LARGE',
  'UNSUPPORTED_COMPRESSION_TYPE',
  'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
  'AZURE_CLIENT_ID',
]);

const count = (kind: string, size: number) => console.info(`pages: ${size} ${kind}`);

describe('JSON on pages', () => {
  it('is JSON, but for what `…` leaves out', () => {
    const blocks = pages.flatMap(({ name, blocks }) =>
      blocks.filter(({ language }) => language === 'json').map(block => ({ name, block })),
    );
    count('blocks of JSON', blocks.length);
    for (const { name, block } of blocks) {
      const text = block.text.replace(/,?\s*…/g, '');
      expect(() => JSON.parse(/^\s*"/.test(text) ? `{${text}}` : text), `${name}:${block.line}`).not.toThrow();
    }
  });
});

describe('code of other languages', () => {
  it('is run by interop, page by page', () => {
    const programs = readFileSync(join(ROOT, 'test/interop/programs.ts'), 'utf8');
    const shown = pages.flatMap(({ name, blocks }) =>
      blocks
        .filter(({ language, mark }) => ['js', 'python', 'go', 'java'].includes(language) && mark === undefined)
        .map(block => `page('${block.language}', '${name}'`),
    );
    count('blocks of other languages', shown.length);
    expect(shown.length).toBeGreaterThan(4);
    expect(shown.filter(call => !programs.includes(call))).toEqual([]);
  });
});

describe('settings', () => {
  const settings = Object.keys(settingsSchema.shape);
  it('are each on a page, in backticks', () => {
    count('settings', settings.length);
    expect(settings.filter(name => !text.includes(`\`${name}\``))).toEqual([]);
  });
  it('are what pages name in capitals, or variables that some code reads', () => {
    const named = new Set(text.match(/(?<=`)[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+(?==\S*`|`)/g) ?? []);
    expect(named.size).toBeGreaterThan(50);
    const words = new Set(sources.match(/\b[A-Z][A-Z0-9_]+\b/g));
    expect([...named].filter(name => !words.has(name) && !FOREIGN.has(name))).toEqual([]);
  });
});

describe('commands and flags', async () => {
  const program = await programForShow();
  const all = everyCommand(program);
  it('are each on the page of commands, as --help has them', async () => {
    count('commands', all.length);
    count(
      'flags',
      all.reduce((sum, { command }) => sum + command.options.length, 0),
    );
    expect(readFileSync(join(ROOT, 'docs/commands.md'), 'utf8')).toBe(await commandsPage());
  });
  it('are each made alone where their name is asked for', async () => {
    for (const name of program.commands.map(command => command.name())) {
      const { commands } = await programForShow(name);
      expect(commands.map(command => command.name())).toEqual([name]);
    }
    expect((await programForShow('toString')).commands).toHaveLength(program.commands.length);
  });
  it('are known where a page shows them', () => {
    const shown = pages.flatMap(page =>
      commandsIn(page).map(({ line, words }) => ({ at: `${page.name}:${line}`, words })),
    );
    const hubscore = shown.filter(({ words }) => words[0] === 'npx' && words[1] === 'hubscore');
    count('commands shown on pages', hubscore.length);
    expect(hubscore.length).toBeGreaterThan(40);
    expect(
      hubscore.flatMap(({ at, words }) => unknownIn(program, words.slice(2)).map(what => `${at}: ${what}`)),
    ).toEqual([]);
  });
});

describe('figures', () => {
  const size = readFileSync(join(ROOT, 'docs/size.md'), 'utf8');
  it('of what an instance costs follow from the price of a GB-second', () => {
    const prices = [...size.matchAll(/(0\.\d+) a GB-second/g)].map(match => Number(match[1]) * 2 * 3600);
    const [busy = 0, ready = 0] = prices;
    expect(size).toContain(`| ${busy.toFixed(3)} an hour and busy instance of 2 GB`);
    expect(size).toContain(`keeps one instance busy: about ${Math.round(busy * 730)} `);
    expect(size).toContain(
      `${ready.toFixed(3)} an hour, while it works: about ${Math.round((ready * 730) / 2)} busy half the time`,
    );
    for (const text of [
      readFileSync(join(ROOT, 'docs/load-and-tune.md'), 'utf8'),
      readFileSync(join(ROOT, 'src/cli/tune.ts'), 'utf8'),
    ]) {
      expect(text).toContain(`--price-instance-hour ${busy.toFixed(3)}`);
    }
  });
  it('of versions: training tries models by the ONNX Runtime that serves them', () => {
    const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'));
    const served = lock.packages['node_modules/onnxruntime-node'].version;
    for (const folder of ['training', 'models']) {
      expect(readFileSync(join(ROOT, `samples/${folder}/requirements.txt`), 'utf8')).toContain(
        `onnxruntime==${served}\n`,
      );
    }
  });
});

describe('metrics', () => {
  it('are each on a page, and pages name no other', () => {
    const metrics = Object.keys(METRICS);
    count('metrics', metrics.length);
    expect(metrics.filter(name => !text.includes(`\`${name}\``))).toEqual([]);
    const named = new Set(
      text.match(
        /\b(?:inference|hubscore)_[a-z_]*(?:_total|_seconds|_events|_bytes|_state|_loaded|_size)(?:_bucket|_sum|_count)?\b/g,
      ),
    );
    const known = (name: string) =>
      metrics.includes(name.replace(/_(bucket|sum|count)$/, '')) || metrics.includes(name);
    expect([...named].filter(name => !known(name))).toEqual([]);
  });
});

describe('roles', () => {
  it('that operate.md asks for are those that secure.md gives to whoever deploys, none wider', () => {
    const secure = readFileSync(join(ROOT, 'docs/secure.md'), 'utf8');
    const given = secure.slice(secure.indexOf('| who deploys |'), secure.indexOf("| KEDA's identity"));
    const asked = operate.slice(
      operate.indexOf('| command | roles'),
      operate.indexOf('Who deploys has the data roles'),
    );
    const roles = (text: string) =>
      new Set(text.match(/\b(Blob Data|Data) (Owner|Sender|Receiver|Reader|Contributor)\b/g));
    count('roles', roles(asked).size);
    // Who may write may read.
    const known = new Set([
      ...roles(given),
      ...(roles(given).has('Blob Data Contributor') ? ['Blob Data Reader'] : []),
    ]);
    expect([...roles(asked)].filter(role => !known.has(role))).toEqual([]);
    expect(roles(asked).size).toBeGreaterThanOrEqual(4);
  });
});

describe('dead letters', () => {
  it('have a row with an anchor on operate.md for each code, and no other', () => {
    count('dead-letter codes', ERROR_CODES.length);
    const rows = [...operate.matchAll(/^\| <a id="(\w+)"><\/a>`(\w+)` \|/gm)];
    expect(rows.map(([, anchor]) => anchor)).toEqual([...ERROR_CODES]);
    expect(rows.filter(([, anchor, code]) => anchor !== code)).toEqual([]);
  });
  it('have every stage explained there', () => {
    count('stages', STAGES.length);
    expect([...operate.matchAll(/`(\w+)` \([a-z ']+\)(?=,|\.)/g)].map(match => match[1])).toEqual([...STAGES]);
  });
});

describe('alerts', () => {
  it('have a heading on operate.md each, and no other, in Azure as in Prometheus', () => {
    const bicep = [...readFileSync(join(ROOT, 'infra/alerts.bicep'), 'utf8').matchAll(/^ {4}name: '([a-z-]+)'$/gm)].map(
      match => match[1],
    );
    expect(readFileSync(join(ROOT, 'infra/alerts.bicep'), 'utf8')).toMatch(/docs\/operate\.md#\$\{rule\.name\}/);
    const rules = readFileSync(join(ROOT, 'deploy/kubernetes/prometheus-operator/prometheus-rule.yaml'), 'utf8');
    count('alerts', bicep.length);
    const part = operate.slice(operate.indexOf('## What to do at each alert'), operate.indexOf('## Codes'));
    const headings = [...part.matchAll(/^### (.+)$/gm)].map(match => match[1]);
    expect(headings).toEqual(bicep);
    expect([...rules.matchAll(/- alert: (.+)$/gm)].map(match => match[1])).toEqual(bicep);
    for (const alert of headings) expect(rules).toContain(`runbook: docs/operate.md#${alert}`);
    for (const section of part.split(/^### /m).slice(1))
      expect(section, 'how to see that it is over').toMatch(/\bOver (once|at once)\b/);
  });
});

describe('log messages', () => {
  const calls = logCalls(ROOT);
  const known = Object.entries(LOG_TOPICS).flatMap(([topic, texts]) => texts.map(said => ({ topic, said })));
  it('are what the code says, no more and no less', () => {
    count('log messages', known.length);
    const listed = new Set(known.map(({ said }) => said));
    expect(
      calls.filter(call => !listed.has(call.text)),
      'add it to src/core/log-topics.ts and docs/operate.md',
    ).toEqual([]);
    const said = new Set(calls.map(call => call.text));
    expect(known.filter(each => !said.has(each.said))).toEqual([]);
  });
  it('are each told apart from the others', () => {
    for (const { topic, said } of known) expect(logTopicOf(said.replaceAll('…', 'x y')), said).toBe(topic);
  });
  it('stand on operate.md in the row of their anchor, and no others', () => {
    const rows = [
      ...operate.matchAll(/^\| (?:<a id="([a-z-]+)"><\/a>[a-z-]+|\[([a-z-]+)\]\(#[a-z-]+\)) \| (`.+?`) \|/gm),
    ];
    const shown = rows.map(([, anchor, linked, says]) => [anchor ?? linked, says?.slice(1, -1).split('`, `')]);
    expect(Object.fromEntries(shown)).toEqual(LOG_TOPICS);
  });
});

interface Named {
  readonly path: string;
  readonly command: Command;
}

function everyCommand(command: Command, path = ''): Named[] {
  return command.commands.flatMap(child => {
    const own = `${path} ${child.name()}`.trim();
    return [...(child.commands.length === 0 ? [{ path: own, command: child }] : []), ...everyCommand(child, own)];
  });
}

/** What of a command line the program does not have; arguments are not judged. */
function unknownIn(program: Command, words: readonly string[]): string[] {
  let command = program;
  const unknown: string[] = [];
  for (const word of words) {
    const child = command.commands.find(each => each.name() === word);
    if (child) command = child;
    else if (/^--?[a-z]/i.test(word)) {
      const flag = word.split('=')[0];
      const has = command.options.some(
        option => option.long === flag || option.short === flag || option.long === flag?.replace(/^--no-/, '--'),
      );
      if (!has && !['--help', '-h'].includes(flag ?? '')) unknown.push(`${command.name()} has no ${flag}`);
    } else if (command.commands.length > 0 && command.registeredArguments.length === 0 && /^[a-z]+$/.test(word)) {
      unknown.push(`${command.name()} has no command ${word}`);
    }
  }
  return unknown;
}
