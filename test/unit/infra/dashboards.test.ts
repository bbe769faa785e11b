import { globSync } from 'node:fs';
import { createRequire } from 'node:module';
import { parser } from '@prometheus-io/lezer-promql';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { PANELS } from '../../../scripts/dashboards/panels.ts';
import { dashboards } from '../../../scripts/dashboards.ts';
import { Histogram } from '../../../src/telemetry/histogram.ts';
import { MetricStore } from '../../../src/telemetry/metric-store.ts';
import { renderPrometheus } from '../../../src/telemetry/prometheus.ts';
import { ROOT, read } from './bicep.ts';

/** Label names by metric name, as the exporter really writes them with one series of each. */
function exported(): ReadonlyMap<string, readonly string[]> {
  const store = new MetricStore();
  for (const family of store.families()) {
    const value = family.with(family.definition.labels.map(label => `some ${label}`));
    if (value instanceof Histogram) value.observe(0.1);
    else value.value = 1;
  }
  const samples = renderPrometheus(store).matchAll(/^(\w+)(?:\{(.+)\})? /gm);
  return new Map(
    [...samples].map(([, name, labels = '']) => [
      name as string,
      [...labels.matchAll(/(\w+)="/g)].map(([, label]) => label as string),
    ]),
  );
}

interface Selectors {
  readonly faults: number;
  readonly metrics: readonly string[];
  readonly labels: readonly string[];
}

/** What a PromQL expression asks for, by Prometheus' own grammar. */
function selectorsIn(promql: string): Selectors {
  const metrics: string[] = [];
  const labels: string[] = [];
  let faults = 0;
  parser.parse(promql).iterate({
    enter({ type, from, to }) {
      if (type.isError) faults++;
      if (type.name === 'Identifier') metrics.push(promql.slice(from, to));
      if (type.name === 'LabelName') labels.push(promql.slice(from, to));
    },
  });
  return { faults, metrics, labels };
}

/** Azure Monitor's tables, as far as the queries see them. */
const TABLES = `let customMetrics = datatable(timestamp: datetime, name: string, value: real, valueSum: real, valueCount: int, valueMin: real, valueMax: real, customDimensions: dynamic)[];
let requests = datatable(timestamp: datetime, name: string, success: bool, duration: real, operation_Id: string, cloud_RoleName: string, customDimensions: dynamic)[];
let traces = datatable(timestamp: datetime, message: string, severityLevel: int, operation_Id: string, cloud_RoleName: string, customDimensions: dynamic)[];
let AzureMetrics = datatable(TimeGenerated: datetime, ResourceProvider: string, MetricName: string, Total: real)[];
let AppMetrics = datatable(TimeGenerated: datetime, Name: string, Sum: real, Properties: dynamic)[];
let StorageBlobLogs = datatable(TimeGenerated: datetime, OperationName: string, RequesterObjectId: string, Uri: string, StatusCode: int)[];
`;

/** The parts that are used of Kusto's own language service, which is compiled from C#. */
interface Kusto {
  readonly Language: {
    readonly GlobalState: { readonly Default: unknown };
    readonly KustoCode: {
      ParseAndAnalyze(
        text: string,
        globals: unknown,
      ): {
        GetDiagnostics(): { readonly Count: number; getItem(i: number): { readonly Message: string } };
      };
    };
  };
}

let kusto: Kusto;
beforeAll(() => {
  const require = createRequire(import.meta.url);
  require('@kusto/language-service-next/bridge.min.js');
  require('@kusto/language-service-next/Kusto.Language.Bridge.min.js');
  kusto = (globalThis as unknown as { Kusto: Kusto }).Kusto;
});

/** What Kusto's compiler says against a query. */
function faultsIn(kql: string): string[] {
  const { KustoCode, GlobalState } = kusto.Language;
  const found = KustoCode.ParseAndAnalyze(TABLES + kql, GlobalState.Default).GetDiagnostics();
  return Array.from({ length: found.Count }, (_, i) => found.getItem(i).Message);
}

/** Metrics and dimensions that a query names. Application Insights has histograms' buckets as `<name>_bucket` with `le`, and no `_sum`. */
function unknownIn(kql: string): string[] {
  const known = exported();
  const metrics = [...kql.matchAll(/"((?:inference|hubscore|process)_\w+)"/g)].map(([, name]) => name as string);
  expect(metrics).not.toEqual([]);
  const labels = metrics.flatMap(name => known.get(name) ?? known.get(`${name}_count`) ?? []);
  const dimensions = [...kql.matchAll(/customDimensions\.(\w+)/g)].map(([, label]) => label as string);
  return [
    ...metrics.filter(name => !known.has(name) && !known.has(`${name}_count`)),
    ...dimensions.filter(label => !labels.includes(label)),
  ];
}

describe('dashboards', () => {
  it('are what the panels make: node scripts/dashboards.ts', () => {
    for (const [name, content] of Object.entries(dashboards()))
      expect(read(`infra/dashboards/${name}`), name).toBe(content);
  });

  it.each(PANELS.map(({ title, promql }) => [title, promql.replaceAll('INTERVAL', '5m')]))(
    '%s: PromQL asks for what /metrics shows',
    (_, promql) => {
      const known = exported();
      const { faults, metrics, labels } = selectorsIn(promql);
      expect(faults, promql).toBe(0);
      expect(metrics.length).toBeGreaterThan(0);
      expect(metrics.filter(name => !known.has(name))).toEqual([]);
      const given = metrics.flatMap(name => known.get(name) ?? []);
      expect(labels.filter(label => !given.includes(label))).toEqual([]);
    },
  );

  it.each(
    PANELS.filter(({ legend }) => legend.includes('{{version}}')).map(({ title, promql, kql }) => [title, promql, kql]),
  )('%s: versions that do nothing are in no legend', (_, promql, kql) => {
    expect(promql).toMatch(/^\(.+\) > 0$/);
    expect(kql).toMatch(/\| where \w+ > 0 \| project/);
  });

  it.each(PANELS.map(({ title, kql }) => [title, kql.replaceAll('GRAIN', '5m')]))(
    '%s: KQL asks for what Application Insights is sent',
    (_, kql) => {
      expect(faultsIn(kql)).toEqual([]);
      expect(unknownIn(kql)).toEqual([]);
    },
  );

  it('show one installation: every PromQL selector names its namespace and job', () => {
    const { panels, templating } = JSON.parse(dashboards()['grafana-prometheus.json'] as string) as {
      panels: { targets: { expr: string }[] }[];
      templating: { list: { name: string }[] };
    };
    expect(templating.list.map(({ name }) => name)).toEqual(['datasource', 'namespace', 'job']);
    for (const { targets } of panels) {
      const promql = (targets[0]?.expr ?? '').replaceAll('$__rate_interval', '5m');
      const { faults, metrics, labels } = selectorsIn(promql);
      expect(faults, promql).toBe(0);
      for (const name of ['namespace', 'job']) {
        expect(labels.filter(label => label === name).length, promql).toBe(metrics.length);
      }
    }
  });

  it('take the smallest lag of a partition: the instance that it left shows a larger one', () => {
    const lag = PANELS.find(({ title }) => title === 'Lag');
    expect(lag?.promql).toBe('min by (partition) (hubscore_partition_lag_events)');
    const byMinute = 'summarize lag = min(valueSum) by';
    expect(lag?.kql).toContain(byMinute);
    expect(read('infra/alerts.bicep')).toContain(byMinute);
  });

  it('judge a wrong query', () => {
    expect(selectorsIn('sum by (rate(x[5m]))').faults).toBeGreaterThan(0);
    expect(faultsIn('customMetrics | where nam == "x"')).not.toEqual([]);
    expect(unknownIn('customMetrics | where name == "inference_requests" | project customDimensions.outcom')).toEqual([
      'inference_requests',
      'outcom',
    ]);
  });
});

describe('alerts', () => {
  const bicep = read('infra/alerts.bicep');
  const endings = /^var endings = '(.+)'$/m.exec(bicep)?.[1] ?? '';
  const rules = [...bicep.matchAll(/name: '([\w-]+)'\n {4}title: .+\n {4}severity: \d\n {4}query: '(.+)'/g)].map(
    ([, name, query]) => [
      name as string,
      (query as string).replaceAll(`\${endings}`, endings).replaceAll(/\$\{\w+\}/g, '20'),
    ],
  ) as [string, string][];

  it('are there for what an operator must know', () => {
    const names = rules.map(([name]) => name);
    expect(names).toEqual([
      ...['success-rate', 'latency', 'lag', 'dead-letters', 'circuit-open'],
      ...['batch-failed', 'batch-at-risk', 'batch-poison'],
      ...['rollback', 'rollout-waiting', 'quarantine', 'sweep-behind', 'drift', 'no-results'],
    ]);
    expect(bicep).toContain('results < 0.95 * all');
  });

  it.each(rules)('%s: KQL is right and asks for what Application Insights is sent', (_, kql) => {
    expect(faultsIn(kql)).toEqual([]);
    expect(unknownIn(kql)).toEqual([]);
  });

  interface PrometheusAlert {
    readonly alert: string;
    readonly expr: string;
    readonly annotations: { readonly runbook: string };
  }
  const inKubernetes: PrometheusAlert[] = parse(read('deploy/kubernetes/prometheus-operator/prometheus-rule.yaml')).spec
    .groups[0].rules;

  it('are the same where Prometheus scrapes, one for one', () => {
    expect(inKubernetes.map(({ alert }) => alert)).toEqual(rules.map(([name]) => name));
    for (const { alert, annotations } of inKubernetes) expect(annotations.runbook).toBe(`docs/operate.md#${alert}`);
  });

  it('take as latency what it took until the result was there, not until it was scored', () => {
    const [, kql] = rules.find(([name]) => name === 'latency') as [string, string];
    const promql = inKubernetes.find(({ alert }) => alert === 'latency')?.expr;
    for (const query of [kql, promql]) {
      expect(query).toContain('inference_end_to_end_seconds_bucket');
      expect(query).not.toContain('inference_latency_seconds');
    }
  });

  it('have the same thresholds there', () => {
    const fallback = (name: string) => Number(new RegExp(`^param ${name} int = (\\d+)$`, 'm').exec(main)?.[1]);
    const main = read('infra/main.bicep');
    const exprOf = (name: string) => inKubernetes.find(({ alert }) => alert === name)?.expr.trim();
    expect(exprOf('latency')).toContain(`> ${fallback('latencyAlertMs') / 1000}\n`);
    expect(exprOf('lag')).toContain(`> ${fallback('lagAlertEvents')}\n`);
    expect(exprOf('dead-letters')).toMatch(new RegExp(`\\* 60 > ${fallback('deadLetterAlertPerMinute')}$`));
    for (const name of ['success-rate', 'latency']) {
      expect(exprOf(name)).toMatch(new RegExp(`>= ${/^var enough = (\d+)$/m.exec(bicep)?.[1]}$`));
    }
  });

  it.each(inKubernetes.map(({ alert, expr }) => [alert, expr]))(
    '%s: PromQL asks for what /metrics shows',
    (_, promql) => {
      const known = new Map([...exported(), ['up', []]]);
      const { faults, metrics, labels } = selectorsIn(promql);
      expect(faults).toBe(0);
      expect(metrics.filter(name => !known.has(name))).toEqual([]);
      const given = ['namespace', 'job', ...metrics.flatMap(name => known.get(name) ?? [])];
      expect(labels.filter(label => !given.includes(label))).toEqual([]);
    },
  );

  it('have each a paragraph on what to do', () => {
    const page = read('docs/operate.md');
    for (const name of rules.map(([name]) => name)) expect(page).toContain(`### ${name}\n`);
  });
});

/** Fenced blocks of a language in the pages, a query each; where several share a block, an empty line parts them. */
function queriesIn(language: string): [page: string, query: string][] {
  return globSync(['docs/*.md', 'README.md'], { cwd: ROOT }).flatMap(page =>
    [...read(page).matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].flatMap(([, block]) =>
      (block as string)
        .trim()
        .split(language === 'promql' ? '\n' : '\n\n')
        .map((query): [string, string] => [page, query]),
    ),
  );
}

describe('queries in the pages', () => {
  it('are found', () => {
    expect(queriesIn('kusto').length).toBeGreaterThan(4);
    expect(queriesIn('promql').length).toBeGreaterThan(4);
  });

  it.each(queriesIn('kusto'))('%s: %s: Kusto finds nothing against it', (_, kql) => {
    expect(faultsIn(kql)).toEqual([]);
    if (kql.includes('customMetrics')) expect(unknownIn(kql)).toEqual([]);
  });

  it.each(queriesIn('promql'))('%s: %s: Prometheus finds nothing against it', (_, promql) => {
    const { faults, metrics } = selectorsIn(promql);
    expect(faults).toBe(0);
    expect(metrics.filter(name => !exported().has(name))).toEqual([]);
  });
});
