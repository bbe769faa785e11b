/**
 * promtool on what we ship: the alerts' rules are right and fire where they must (rules.test.yaml), every panel's query is one that Prometheus takes, and
 * what `/metrics` shows has nothing against it. Run by `npm run test:interop -- --all`.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parse, stringify } from 'yaml';
import { PANELS } from '../../../scripts/dashboards/panels.ts';
import { build } from './tools.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const promtool = build('promtool');
const folder = mkdtempSync(join(tmpdir(), 'hubscore-rules-'));
const run = (args: readonly string[], input?: string) =>
  execFileSync(promtool, args, {
    cwd: folder,
    stdio: [input === undefined ? 'ignore' : 'pipe', 'inherit', 'inherit'],
    input,
  });

const manifest = readFileSync(join(ROOT, 'deploy/kubernetes/prometheus-operator/prometheus-rule.yaml'), 'utf8');
writeFileSync(join(folder, 'rules.yaml'), stringify(parse(manifest).spec));
copyFileSync(join(import.meta.dirname, 'rules.test.yaml'), join(folder, 'rules.test.yaml'));
run(['check', 'rules', '--lint-fatal', 'rules.yaml']);
run(['test', 'rules', 'rules.test.yaml']);

// A recording rule a panel: promtool parses rules, not single queries.
const rules = PANELS.map(({ promql }, i) => ({ record: `panel:${i}`, expr: promql.replaceAll('INTERVAL', '5m') }));
writeFileSync(join(folder, 'panels.yaml'), stringify({ groups: [{ name: 'panels', rules }] }));
run(['check', 'rules', '--lint-fatal', 'panels.yaml']);

const shown = await fetch(`${process.env.FUNCTIONS_URL}/metrics`);
if (!shown.ok) throw new Error(`GET /metrics answered ${shown.status}`);
run(['check', 'metrics'], await shown.text());
rmSync(folder, { recursive: true, force: true });
