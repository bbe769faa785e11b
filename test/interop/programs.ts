import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import type { EventHubs } from '../support/event-hubs.ts';
import type { FunctionsHost } from '../support/functions-host.ts';
import type { Storage } from '../support/storage.ts';
import { killEndpoint } from './kill-endpoint.ts';
import type { Program } from './run-program.ts';

export interface Setting {
  readonly root: string;
  readonly python: string;
  /** Also what takes minutes. */
  readonly all: boolean;
  readonly stack: {
    readonly eventHubs: EventHubs;
    readonly storage: Storage;
    readonly registry: { readonly url: string };
    readonly host: FunctionsHost;
  };
}

/** `skip`: why it cannot run here. */
export type Planned = Program & { readonly skip?: string | undefined };

/** Every foreign program, in the order in which they run. */
export function programs({ root, python, stack, all }: Setting): readonly Planned[] {
  const { eventHubs, storage, registry, host } = stack;
  const here = join(root, 'test/interop');
  const environment = {
    ...process.env,
    EVENTHUBS_CONNECTION: eventHubs.connectionString,
    EVENTHUBS_HEALTH_PORT: String(eventHubs.healthPort),
    KAFKA_ADDRESS: `localhost:${eventHubs.kafkaPort}`,
    STORAGE_CONNECTION: storage.connectionString,
    SCHEMA_REGISTRY: registry.url,
    FUNCTIONS_URL: host.url,
    NODE: process.execPath,
    PYTHONUNBUFFERED: '1',
    PYTHONDONTWRITEBYTECODE: '1',
  };
  const plan = (name: string, command: string, args: readonly string[], more: Partial<Planned> = {}): Planned => ({
    name,
    command,
    args,
    folder: here,
    environment,
    timeoutMs: 180_000,
    ...more,
  });
  const page = (language: string, name: string, skip?: string) =>
    plan(`Pages: ${language} of ${name}`, process.execPath, ['pages.ts', language, name], {
      environment: { ...environment, PYTHON: python },
      skip,
    });
  const inJava = { folder: join(here, 'java'), skip: missing('mvn', '--version') };
  const models = ['samples/models', 'test/fixtures/models'].map(folder => join(root, folder));
  return [
    plan('Python: cases of every model through the stack', python, ['score_cases.py', ...models]),
    plan('HTTP: Triton, KServe, schemathesis', python, ['http_clients.py', models[0] as string], {
      timeoutMs: 600_000,
    }),
    page('js', 'docs/clients.md'),
    page('python', 'docs/clients.md'),
    page('python', 'README.md'),
    page('python', 'docs/http.md'),
    plan('Pages: names in Python', python, ['python_blocks.py', root]),
    page('go', 'docs/clients.md', missing('go', 'version')),
    page('java', 'docs/clients.md', missing('mvn', '--version')),
    plan('Python: azure-eventhub, sync and aio, blob checkpoints', python, ['eventhubs_python.py']),
    plan('Python: records as Kafka producers leave them', python, ['kafka_records.py', join(root, 'samples')]),
    plan("Python: other formats by their vendors' libraries", python, ['formats_python.py', join(root, 'samples')]),
    plan('Azure: its encoders, by a schema registry and an identity', process.execPath, [
      'azure-registry/run.ts',
      python,
    ]),
    plan('Python: csv and pyarrow judge batch score', python, ['batch_files.py', root, join(root, 'samples')]),
    plan('Databricks: the notebooks, in PySpark', python, ['notebooks.py', join(root, 'samples')], {
      timeoutMs: 900_000,
      skip: missing('java', '-version'),
    }),
    plan('Training: the sample models once more, the same bytes', python, [
      'samples_reproducible.py',
      join(root, 'samples'),
    ]),
    plan('Training: scikit-learn and LightGBM to the stream', python, training(root, 'sklearn', 'lightgbm')),
    plan('Training: Spark ML to the stream', python, training(root, 'spark'), { skip: missing('java', '-version') }),
    plan('Training: PyTorch to the stream', python, training(root, 'pytorch'), {
      skip:
        missing(python, '-c', 'import torch') &&
        'PyTorch is not installed (with CUDA it takes 6 GB): see samples/training',
    }),
    plan('Airflow: the nightly DAG', python, ['airflow_dag.py', join(root, 'samples'), join(root, '.local/airflow')], {
      timeoutMs: 900_000,
      skip: all ? undefined : 'Airflow takes minutes to install: add --all',
    }),
    plan('Go: azeventhubs', 'go', ['run', '.'], { folder: join(here, 'go'), skip: missing('go', 'version') }),
    plan('Java: azure-messaging-eventhubs', 'mvn', java('EventHubs'), inJava),
    plan('Java: kafka-clients', 'mvn', java('Kafka'), inJava),
    plan("ONNX: the package's own models", process.execPath, [join(here, 'onnx-suite/run.ts')], {
      timeoutMs: 600_000,
      skip: all ? undefined : 'a minute longer: --all',
    }),
    plan('Kubernetes: manifests decoded strictly, pods admitted', 'go', ['run', '.', ...manifests(root)], {
      folder: join(here, 'kubernetes'),
      timeoutMs: BUILD_MS,
      skip: large(all) ?? missing('go', 'version'),
    }),
    plan('Prometheus: alerts, panels and /metrics by promtool', process.execPath, ['prometheus/rules.ts'], {
      timeoutMs: BUILD_MS,
      skip: large(all) ?? missing('go', 'version'),
    }),
    plan('Prometheus: lag while partitions move', process.execPath, ['prometheus/moving-partitions.ts'], {
      timeoutMs: BUILD_MS,
      skip: large(all) ?? missing('go', 'version'),
    }),
    plan('Servers: models at MLServer and MLflow, killed and brought back', process.execPath, ['servers/serve.ts'], {
      timeoutMs: BUILD_MS,
      skip: all ? undefined : 'its packages take minutes to install: add --all',
    }),
    plan('Servers: killed under load, through the whole stack', process.execPath, ['servers/under-load.ts'], {
      timeoutMs: BUILD_MS,
      skip: all ? undefined : 'its packages take minutes to install: add --all',
    }),
    plan('MLflow: a model imported from a real server, its alias followed', process.execPath, ['mlflow/registry.ts'], {
      timeoutMs: BUILD_MS,
      skip: all ? undefined : 'its packages take minutes to install: add --all',
    }),
    plan('Python: kill -9 of the endpoint in mid-stream', python, ['acknowledged_events_stay.py'], {
      accompany: child => killEndpoint(child, eventHubs),
    }),
  ];
}

function manifests(root: string): readonly string[] {
  return globSync('deploy/kubernetes/**/*.yaml', { cwd: root }).map(file => join(root, file));
}

/** Prometheus and Kubernetes are large: their first build takes minutes. */
const BUILD_MS = 30 * 60_000;
const large = (all: boolean) => (all ? undefined : 'it takes minutes to build: add --all');

function training(root: string, ...kinds: readonly string[]): readonly string[] {
  return ['train_and_serve.py', ...kinds.map(kind => join(root, 'samples/training', `train_${kind}.py`))];
}

function java(mainClass: string): readonly string[] {
  return ['--batch-mode', '--quiet', 'compile', 'exec:java', `-Dexec.mainClass=${mainClass}`];
}

function missing(command: string, ...args: readonly string[]): string | undefined {
  return spawnSync(command, args).status === 0 ? undefined : `${command} is not installed`;
}
