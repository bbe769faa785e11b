import { execFileSync } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parametersIn, ROOT, read, resourcesIn } from './bicep.ts';

const azure = parse(read('azure.yaml'));
const scripts: Record<string, string> = JSON.parse(read('package.json')).scripts;
const main = read('infra/main.bicep');
const outputs = new Set([...main.matchAll(/^output (\w+)/gm)].map(([, name]) => name as string));

/** What the commands in docs/deploy.md set before `envsubst`. */
const SET_BY_HAND = ['HUBSCORE_IMAGE', 'CONFIG_CHECKSUM'];

describe('azd', () => {
  it('gives every parameter, from a variable that may be unset', () => {
    const given: Record<string, { value: string }> = JSON.parse(read('infra/main.parameters.json')).parameters;
    expect(Object.keys(given).sort()).toEqual([...parametersIn(main).keys()].sort());
    for (const [name, { value }] of Object.entries(given)) expect(value, name).toMatch(/^\$\{[A-Z_]+\}$/);
    const needed = [...parametersIn(main)].filter(([, hasDefault]) => !hasDefault).map(([name]) => name);
    expect(needed).toEqual(['environmentName', 'location']);
  });

  it('describes every parameter', () => {
    const described = [...main.matchAll(/@description\('.+'\)\n(?:@.+\n)*param (\w+)/g)].map(([, name]) => name);
    expect(described).toEqual([...parametersIn(main).keys()]);
  });

  it('finds the app by its tag', () => {
    const [service, ...others] = Object.keys(azure.services);
    expect(others).toEqual([]);
    const site = resourcesIn(read('infra/function-app.bicep')).find(({ type }) => type === 'Microsoft.Web/sites');
    expect(site?.body).toContain(`'azd-service-name': '${service}'`);
  });

  it('deploys what npm run package stages, built here', () => {
    const { app } = azure.services;
    expect(app).toMatchObject({ host: 'function', language: 'ts', remoteBuild: false, dist: '.local/package/app' });
    expect(read('scripts/package.ts')).toContain("'.local/package'");
    for (const shell of [app.hooks.prepackage.posix, app.hooks.prepackage.windows]) {
      expect(shell.run).toContain('npm run --silent package');
    }
  });

  it('runs scripts that there are, in both shells', () => {
    const hooks = [azure.hooks.preprovision, azure.hooks.postprovision, azure.services.app.hooks.prepackage];
    for (const { posix, windows } of hooks) {
      expect([posix.shell, windows.shell]).toEqual(['sh', 'pwsh']);
      const names = [posix, windows].map(({ run }) => /npm run --silent ([\w:-]+)/.exec(run)?.[1]);
      expect(names[0]).toBe(names[1]);
      expect(Object.keys(scripts)).toContain(names[0]);
      execFileSync('sh', ['-n'], { input: posix.run }); // throws where sh cannot read it
    }
  });

  it("puts out what the hooks and the pods' manifests read", () => {
    const hook = read('scripts/azure/after-provision.ts') + read('scripts/azure/local-settings.ts');
    const read_ = [...hook.matchAll(/needed\(environment, '(\w+)'\)|environment\.(AZURE_\w+)/g)].map(
      ([, needed, plain]) => needed ?? plain,
    );
    const manifests = globSync('deploy/kubernetes/**/*.yaml', { cwd: ROOT }).map(read).join('\n');
    const substituted = [...manifests.matchAll(/\$\{(\w+)\}/g)].map(([, name]) => name);
    expect(read_.length).toBeGreaterThan(3);
    for (const name of [...read_, ...substituted]) {
      if (!SET_BY_HAND.includes(name as string)) expect([...outputs], name).toContain(name);
    }
  });
});

it('docs/deploy.md sets what manifests take from no output', () => {
  for (const name of SET_BY_HAND) expect(read('docs/deploy.md')).toMatch(new RegExp(`^set -a;.* ${name}=`, 'm'));
});

describe('.funcignore', () => {
  const lines = read('.funcignore')
    .split('\n')
    .filter(line => line && !line.startsWith('#'));

  it('matches at the root only, so that dist/src or a package of that name stays', () => {
    expect(lines.filter(line => !line.startsWith('/'))).toEqual([]);
  });

  it('keeps what the app is made of, and node_modules', () => {
    for (const kept of ['/dist', '/host.json', '/package.json', '/node_modules']) expect(lines).not.toContain(kept);
  });

  it('leaves out development packages, but for small ones, and nothing that runs', () => {
    const { packages }: { packages: Record<string, { dev?: true; optional?: true }> } = JSON.parse(
      read('package-lock.json'),
    );
    const tops = new Map<string, boolean>();
    for (const [folder, { dev }] of Object.entries(packages)) {
      const top = /^node_modules\/(?:@[^/]+\/)?[^/]+/.exec(folder)?.[0];
      if (top) tops.set(top, (tops.get(top) ?? true) && dev === true);
    }
    const left = (folder: string) => lines.some(line => `/${folder}/`.startsWith(`${line}/`));
    expect([...tops].filter(([folder, dev]) => !dev && left(folder))).toEqual([]);
    const kept = [...tops].filter(([folder, dev]) => dev && !left(folder) && existsSync(join(ROOT, folder)));
    const sizes = execFileSync('du', ['-sk', ...kept.map(([folder]) => folder)], { cwd: ROOT, encoding: 'utf8' });
    const megabytes = sizes
      .trim()
      .split('\n')
      .reduce((sum, line) => sum + Number.parseInt(line, 10) / 1024, 0);
    expect(megabytes).toBeLessThan(80); // of 560
  });

  it('leaves out settings of this machine and sources', () => {
    for (const left of ['/local.settings.json', '/src', '/test', '/.azure', '/.local']) expect(lines).toContain(left);
  });
});

describe('host.json', () => {
  const hostJson = JSON.parse(read('host.json'));

  it('lets a batch end before the host ends the process', async () => {
    const { readSettings } = await import('../../../src/config/config.ts');
    const [hours, minutes, seconds] = hostJson.functionTimeout.split(':').map(Number);
    const timeoutSeconds = hours * 3600 + minutes * 60 + seconds;
    expect(readSettings({}).BATCH_DEADLINE_SECONDS).toBeLessThan(timeoutSeconds);
    expect(readSettings({}).FILL_HOLES_AFTER_SECONDS).toBeGreaterThan(timeoutSeconds);
  });

  it('begins where the app begins', () => {
    expect(hostJson.extensions.eventHubs.initialOffsetOptions.type).toBe('fromStart');
  });

  it("shows the app's own lines, which come by the console, and not the host's two about each call", () => {
    const { logLevel } = hostJson.logging;
    expect(logLevel.Function).toBe('Warning');
    expect(logLevel.default).toBe('Information');
    expect(Object.keys(logLevel).filter(category => 'Host.Function.Console'.startsWith(category))).toEqual([]);
  });

  it('names the scoring function as the always-ready instances do', () => {
    expect(read('infra/function-app.bicep')).toContain("name: 'function:score-requests'");
    expect(read('src/functions/score-requests.ts')).toContain("'score-requests'");
  });
});
