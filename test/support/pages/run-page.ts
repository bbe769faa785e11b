import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { freshCheckout, withPorts } from './checkout.ts';
import { freePlace, type Service, startService } from './local-stack.ts';
import { differenceOf } from './mask.ts';
import { type Block, commandsOf, type Page } from './pages.ts';

const COMMAND_MS = 120_000;
/** Commands that go on until they are ended. */
const SERVICE = /^npm (?:start|run (?:eventhubs|storage|host))\b/;
/** `tail` without `--once`: shows what comes until Ctrl-C. */
const ENDLESS = /^npx hubscore tail(?!.*--once)/;
const ENDLESS_SECONDS = 8;

/** What runs elsewhere, since it takes minutes or another language: the file that runs it, and how that names it. */
export const ELSEWHERE: readonly (readonly [command: RegExp, file: string, there: RegExp])[] = [
  [/^npm ci$/, '.ci/run', /step 'install' npm ci/],
  [/^npm start$/, 'test/integration/start.test.ts', /\['npm', 'start'/],
  [/^npm test$/, '.ci/run', /npm test/],
  [/^npm run test:interop/, '.ci/run', /run --silent test:interop/],
  [/^npm run test:chaos/, '.ci/run', /run --silent test:chaos/],
  [/^npm run bench\b/, 'package.json', /"bench": /],
  [/^npx --no node scripts\/bench-page\.ts/, 'package.json', /"bench": /],
  [/^(?:python|pip) /, 'test/interop/programs.ts', /train_and_serve\.py|pages\.ts/],
];

/** Load and durations as they are run here: figures are masked, so a shorter run says the same. */
const SHORTER: readonly (readonly [RegExp, string])[] = [
  [/hubscore tune /, 'hubscore tune --time 30 '],
  [/hubscore load --rate 1000 --duration 15/, 'hubscore load --rate 20 --duration 4'],
];

/** What `tune` says of a machine depends on it, word by word: only how its lines begin is compared. */
const MEASURES = /hubscore tune /;
const beginnings = (lines: readonly string[]) => [
  ...new Set(
    lines.map(line => /^\s*([a-z]+)/.exec(line)?.[1] ?? '').filter(word => !['', 'the', 'between'].includes(word)),
  ),
];

export interface Ran {
  readonly commands: number;
  readonly compared: number;
  /** What differs, with where. */
  readonly faults: readonly string[];
}

interface Shell {
  readonly folder: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Folder within it that the last command left. */
  cwd: string;
}

/** Runs the blocks of a page in order, in a fresh folder, against the stack of these ports; a page that starts services of its own has ports of its own. */
export async function runPage(page: Page, root: string, ports: Readonly<Record<string, string>>): Promise<Ran> {
  const blocks = page.blocks.filter(block => block.mark !== 'needs Azure');
  const starts = blocks.some(block => shellOf(block) && commandsOf(block).some(({ command }) => isService(command)));
  const place = starts ? await freePlace() : undefined;
  const own = { ...ports, ...place?.environment };
  const checkout = freshCheckout(root, own);
  const environment = {
    ...process.env,
    ...own,
    NO_COLOR: '1',
    npm_config_update_notifier: 'false',
    npm_config_offline: 'true',
  };
  const shell: Shell = { folder: checkout.path, environment, cwd: checkout.path };
  const services: Service[] = [];
  const faults: string[] = [];
  let commands = 0;
  let compared = 0;
  let last = '';
  const compare = (line: number, shown: readonly string[], output: string) => {
    compared++;
    const difference = differenceOf(shown, output.split('\n'));
    if (difference !== undefined) faults.push(`${page.name}:${line}:\n${difference}`);
  };
  try {
    for (const block of blocks) {
      if (block.mark === 'output' && block.language === 'json') {
        compare(block.line, [block.text.replace(/\s+/g, '')], last.replace(/\s+/g, ''));
      } else if (block.mark === 'output') compare(block.line, [...block.text.split('\n'), '…'], last);
      if (!shellOf(block)) continue;
      if (block.mark !== 'continues') shell.cwd = shell.folder;
      for (const { line, command, output } of commandsOf(block)) {
        if (ELSEWHERE.some(([pattern]) => pattern.test(command))) continue;
        commands++;
        if (isService(command)) {
          const service = await startService(command.replace(/\s+#.*$/, ''), shell.folder, environment);
          services.push(service);
          const shown = output.length > 0 ? output : [/# (ready .*)$/.exec(command)?.[1] ?? '…'];
          compare(line, shown, /^ready .*$/m.exec(service.said())?.[0] ?? '');
          continue;
        }
        placeShownFile(command, output, shell.cwd);
        const ran = await runCommand(withPorts(shorter(command), own), shell);
        last = ran.out;
        const isRefused = ran.code === 2 && output.length === 0 && /^error: /m.test(ran.out);
        if (ran.code !== 0 && !isRefused)
          faults.push(`${page.name}:${line}: ${command} ended with ${ran.code}:\n${ran.out}`);
        else if (MEASURES.test(command))
          compare(line, [...beginnings(output), '…'], beginnings(ran.out.split('\n')).join('\n'));
        else if (output.length > 0) compare(line, output, ran.out);
      }
    }
  } finally {
    for (const service of services.reverse()) await service.stop();
    checkout.remove();
    place?.remove();
  }
  return { commands, compared, faults };
}

const isService = (command: string) => SERVICE.test(command) && command !== 'npm start';
const shellOf = ({ language, mark }: Block) => ['sh', 'bash', 'console'].includes(language) && mark !== 'output';
const shorter = (command: string) => SHORTER.reduce((said, [pattern, by]) => said.replace(pattern, by), command);

/** `cat FILE` shows a file that the reader is to have: it is written before. */
function placeShownFile(command: string, output: readonly string[], folder: string): void {
  const [, file] = /^cat (\S+)$/.exec(command) ?? [];
  if (file !== undefined && !existsSync(join(folder, file))) {
    writeFileSync(join(folder, file), `${output.join('\n').trimEnd()}\n`);
  }
}

async function runCommand(command: string, shell: Shell): Promise<{ readonly code: number; readonly out: string }> {
  const limit = ENDLESS.test(command) ? `timeout --signal=INT ${ENDLESS_SECONDS} ` : '';
  const folderFile = join(shell.folder, '.cwd');
  const script = `{ ${limit}${command}\n} 2>&1; code=$?; pwd > "${folderFile}"; exit $code`;
  const child = spawn('bash', ['-o', 'pipefail', '-c', script], {
    cwd: shell.cwd,
    env: shell.environment,
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  const timer = setTimeout(() => process.kill(-(child.pid as number), 'SIGKILL'), COMMAND_MS);
  const [out, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  clearTimeout(timer);
  if (existsSync(folderFile)) shell.cwd = readFileSync(folderFile, 'utf8').trim();
  return { code: limit !== '' && [124, 130].includes(code) ? 0 : (code ?? 1), out };
}
