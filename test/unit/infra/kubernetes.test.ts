import { existsSync, globSync } from 'node:fs';
import { ScaledObject } from '@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject';
import { TriggerAuthentication } from '@kubernetes-models/keda/keda.sh/v1alpha1/TriggerAuthentication';
import { PrometheusRule } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PrometheusRule';
import { ServiceMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor';
import { Deployment } from 'kubernetes-models/apps/v1/Deployment';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget';
import { ConfigMap } from 'kubernetes-models/v1/ConfigMap';
import { Namespace } from 'kubernetes-models/v1/Namespace';
import { Service } from 'kubernetes-models/v1/Service';
import { ServiceAccount } from 'kubernetes-models/v1/ServiceAccount';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { readSettings } from '../../../src/config/config.ts';
import { ROUTES } from '../../../src/http/routes.ts';
import { ROOT, read } from './bicep.ts';

/** YAML as it was read; the schemas judge it. */
type Tree = Readonly<Record<string, unknown>>;

/** What stands at a path like `triggers.0.name`; undefined where nothing does. */
function at(tree: unknown, path: string): unknown {
  return path.split('.').reduce((inner, key) => (inner as Tree | undefined)?.[key], tree);
}

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Tree };
  readonly spec: Tree;
}

/** Schemas that Kubernetes, KEDA and the Prometheus operator publish, compiled. */
const SCHEMAS: Readonly<Record<string, new (manifest: never) => { validate(): void }>> = {
  'v1/Namespace': Namespace,
  'v1/ServiceAccount': ServiceAccount,
  'v1/ConfigMap': ConfigMap,
  'v1/Service': Service,
  'apps/v1/Deployment': Deployment,
  'networking.k8s.io/v1/NetworkPolicy': NetworkPolicy,
  'policy/v1/PodDisruptionBudget': PodDisruptionBudget,
  'keda.sh/v1alpha1/ScaledObject': ScaledObject,
  'keda.sh/v1alpha1/TriggerAuthentication': TriggerAuthentication,
  'monitoring.coreos.com/v1/ServiceMonitor': ServiceMonitor,
  'monitoring.coreos.com/v1/PrometheusRule': PrometheusRule,
};

/** What deploy/kubernetes/azure-managed-prometheus has of another API group is shaped as the Prometheus operator has it. */
const AZURE_GROUP = 'azmonitoring.coreos.com/v1';
const OPERATOR_GROUP = 'monitoring.coreos.com/v1';

const manifests: Manifest[] = globSync('deploy/kubernetes/**/*.yaml', { cwd: ROOT })
  .sort()
  .flatMap(file => parseAllDocuments(read(file).replaceAll(/\$\{\w+\}/g, 'https://value.example')))
  .map(document => document.toJS());
const one = (kind: string) => manifests.find(manifest => manifest.kind === kind) as Manifest;

/** What the schema says against a manifest; undefined where nothing. */
function fault(given: Manifest): string | undefined {
  const manifest = given.apiVersion === AZURE_GROUP ? { ...given, apiVersion: OPERATOR_GROUP } : given;
  const Schema = SCHEMAS[`${manifest.apiVersion}/${manifest.kind}`];
  if (!Schema) return `no schema for ${manifest.apiVersion}/${manifest.kind}`;
  try {
    new Schema(manifest as never).validate();
    return undefined;
  } catch (error) {
    return String(error);
  }
}

type Path = readonly (string | number)[];

function leaves(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...path, key]));
}

function broken(manifest: Manifest, path: Path): Manifest {
  const copy = structuredClone(manifest) as unknown as Record<string | number, unknown>;
  let at = copy;
  for (const key of path.slice(0, -1)) at = at[key] as Record<string | number, unknown>;
  at[path.at(-1) as string] = { nonsense: [true] };
  return copy as unknown as Manifest;
}

describe.each(
  manifests.map(manifest => [`${manifest.apiVersion} ${manifest.kind} ${manifest.metadata.name}`, manifest] as const),
)('%s', (_, manifest) => {
  it('keeps to its schema', () => expect(fault(manifest)).toBeUndefined());

  // Schemas let unknown fields pass, and the API server drops them: a field whose nonsense passes is one that nobody knows.
  it('has no field that the schema does not know', () => {
    const unknown = leaves(manifest).filter(path => fault(broken(manifest, path)) === undefined);
    expect(unknown.map(path => path.join('.'))).toEqual([]);
  });
});

describe('scaling', () => {
  const { spec } = one('ScaledObject');

  it('keeps 3 to 20 replicas', () => {
    expect([spec.minReplicaCount, spec.maxReplicaCount]).toEqual([3, 20]);
    expect(one('Deployment').spec.replicas).toBeUndefined();
  });

  it('goes up at once by 100 % or 4 pods in 15 s, whichever is more, and down by half a minute after 300 s of calm', () => {
    expect(at(spec, 'advanced.horizontalPodAutoscalerConfig.behavior.scaleUp')).toEqual({
      stabilizationWindowSeconds: 0,
      selectPolicy: 'Max',
      policies: [
        { type: 'Percent', value: 100, periodSeconds: 15 },
        { type: 'Pods', value: 4, periodSeconds: 15 },
      ],
    });
    expect(at(spec, 'advanced.horizontalPodAutoscalerConfig.behavior.scaleDown')).toEqual({
      stabilizationWindowSeconds: 300,
      policies: [{ type: 'Percent', value: 50, periodSeconds: 60 }],
    });
  });

  it('signs in by workload identity, at the trigger and in the pod', () => {
    expect(at(spec, 'triggers.0.authenticationRef.name')).toBe(one('TriggerAuthentication').metadata.name);
    expect(at(one('TriggerAuthentication').spec, 'podIdentity.provider')).toBe('azure-workload');
    const pod = one('Deployment').spec.template;
    expect(at(pod, 'metadata.labels')).toMatchObject({ 'azure.workload.identity/use': 'true' });
    expect(at(pod, 'spec.serviceAccountName')).toBe(one('ServiceAccount').metadata.name);
    const account = one('ServiceAccount').metadata;
    expect(read('infra/identity.bicep')).toContain(`'system:serviceaccount:${account.namespace}:${account.name}'`);
  });
});

describe('pod', () => {
  const pod = at(one('Deployment').spec, 'template.spec') as Tree;
  const dockerfile = read('deploy/Dockerfile');

  it('runs the host as process 1, since the start script of its image passes no SIGTERM on', () => {
    const commands = [...dockerfile.matchAll(/^(?:CMD|ENTRYPOINT) (.+)$/gm)].map(([, command]) => command);
    expect(commands).toEqual(['["/azure-functions-host/Microsoft.Azure.WebJobs.Script.WebHost"]']);
    expect(at(pod, 'containers.0.command')).toBeUndefined();
    expect(at(pod, 'containers.0.args')).toBeUndefined();
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(4 * 7); // the host takes up to 7 s
  });

  it('runs on a GPU from an image that differs in nothing else', () => {
    const gpu = read('deploy/Dockerfile.gpu');
    for (const line of [
      /^ARG HOST_IMAGE=.+$/m,
      /^CMD .+$/m,
      /^USER .+$/m,
      /^EXPOSE .+$/m,
      /AzureWebJobsScriptRoot=\S+/,
      /node:24\S+/,
    ])
      expect(line.exec(gpu)?.[0]).toBe(line.exec(dockerfile)?.[0]);
    const installed = 'node_modules/onnxruntime-node/bin/napi-v6/linux/x64';
    expect(gpu).toContain(`${installed}/libonnxruntime_providers_*.so /home/site/wwwroot/${installed}/`);
    expect(existsSync(new URL(`../../../${installed}/onnxruntime_binding.node`, import.meta.url))).toBe(
      process.platform === 'linux' && process.arch === 'x64',
    );
  });

  it('is the user and listens on the port of the image, without root and without privilege', () => {
    const [, user, group] = /^USER (\d+):(\d+)$/m.exec(dockerfile) ?? [];
    expect(at(pod, 'securityContext')).toMatchObject({
      runAsNonRoot: true,
      runAsUser: Number(user),
      runAsGroup: Number(group),
    });
    const port = Number(/ASPNETCORE_URLS=http:\/\/\+:(\d+)/.exec(dockerfile)?.[1]);
    expect(port).toBeGreaterThan(1024);
    expect(dockerfile).toContain(`\nEXPOSE ${port}\n`);
    expect(at(pod, 'containers.0.ports.0.containerPort')).toBe(port);
    const containerApp = read('deploy/container-app.bicep');
    expect([...containerApp.matchAll(/port: (\d+)|targetPort: (\d+)/gi)].map(([, a, b]) => Number(a ?? b))).toEqual(
      Array(4).fill(port),
    );
  });

  it('writes below /tmp alone, and says how much', () => {
    expect(at(pod, 'containers.0.securityContext.readOnlyRootFilesystem')).toBe(true);
    expect(at(pod, 'containers.0.volumeMounts')).toEqual([{ name: 'tmp', mountPath: '/tmp' }]);
    expect(dockerfile).toContain('HOME=/tmp\n');
    const { MODEL_CACHE_MB } = readSettings({});
    for (const path of ['volumes.0.emptyDir.sizeLimit', 'containers.0.resources.requests.ephemeral-storage']) {
      expect(Number.parseInt(String(at(pod, path)), 10) * 1024, path).toBeGreaterThan(MODEL_CACHE_MB);
    }
  });

  it('keeps to the profile that its namespace asks for', () => {
    expect(at(one('Namespace'), 'metadata.labels')).toEqual({ 'pod-security.kubernetes.io/enforce': 'restricted' });
    expect(at(pod, 'securityContext.seccompProfile.type')).toBe('RuntimeDefault');
    expect(at(pod, 'containers.0.securityContext')).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
  });

  it('is let in by its port alone, and out to what the app talks to', () => {
    const { spec } = one('NetworkPolicy');
    expect(at(spec, 'ingress.0.ports')).toEqual([{ port: at(pod, 'containers.0.ports.0.name'), protocol: 'TCP' }]);
    const out = (at(spec, 'egress.0.ports') as Tree[]).map(({ port }) => port);
    const redis = Number(/rediss:.*:(\d+)'/.exec(read('infra/redis.bicep'))?.[1]);
    expect([...new Set(out)]).toEqual([53, 443, 5671, redis]);
    expect(at(one('Deployment'), 'spec.template.metadata.labels')).toMatchObject(
      at(spec, 'podSelector.matchLabels') as Tree,
    );
  });

  it('is started anew where a setting changed', () => {
    expect(read('deploy/kubernetes/deployment.yaml')).toMatch(/checksum\/config: "\$\{CONFIG_CHECKSUM\}"/);
  });

  it('has as many inference processes as it requests cores', () => {
    const threads = (at(pod, 'containers.0.env') as Tree[]).find(({ name }) => name === 'WORKER_THREADS');
    expect(at(threads, 'valueFrom.resourceFieldRef')).toEqual({ resource: 'requests.cpu', divisor: '1' });
  });
});

describe('metrics', () => {
  it('are scraped where the app shows them, without a key, and by no one outside', () => {
    expect(Object.values(ROUTES).map(({ route }) => `/${route}`)).toContain(
      at(one('ServiceMonitor').spec, 'endpoints.0.path'),
    );
    const config = one('ConfigMap') as unknown as { data: Record<string, string> };
    expect(config.data.HTTP_AUTH_LEVEL).toBe('anonymous');
    expect(one('Service').spec.type ?? 'ClusterIP').toBe('ClusterIP');
  });

  it('are scraped by either Prometheus: the managed one watches a group of its own, the other takes what bears its release', () => {
    const monitors = manifests.filter(({ kind }) => kind === 'ServiceMonitor');
    expect(monitors.map(({ apiVersion }) => apiVersion).sort()).toEqual([AZURE_GROUP, OPERATOR_GROUP]);
    const [azure, operator] = monitors.map(({ spec }) => [spec.selector, spec.endpoints]);
    expect(azure).toEqual(operator);
    for (const { apiVersion, metadata } of manifests) {
      if (apiVersion === OPERATOR_GROUP) expect(metadata.labels).toMatchObject({ release: 'kube-prometheus-stack' });
    }
  });

  it('have probes that need no key', () => {
    const container = at(one('Deployment').spec, 'template.spec.containers.0');
    const open = Object.values(ROUTES).filter(route => route.open);
    for (const probe of ['startupProbe', 'readinessProbe', 'livenessProbe']) {
      expect(open.map(({ route }) => `/${route}`)).toContain(at(container, `${probe}.httpGet.path`));
    }
  });
});

describe('names', () => {
  it('fit together', () => {
    const labels = at(one('Deployment').spec, 'template.metadata.labels');
    for (const selector of [
      at(one('Deployment').spec, 'selector.matchLabels'),
      one('Service').spec.selector,
      at(one('PodDisruptionBudget').spec, 'selector.matchLabels'),
    ]) {
      expect(labels).toMatchObject(selector as Tree);
    }
    expect(at(one('ScaledObject').spec, 'scaleTargetRef.name')).toBe(one('Deployment').metadata.name);
    const container = at(one('Deployment').spec, 'template.spec.containers.0');
    expect(at(container, 'envFrom.0.configMapRef.name')).toBe(one('ConfigMap').metadata.name);
    expect(at(one('ServiceMonitor').spec, 'endpoints.0.port')).toBe(at(one('Service').spec, 'ports.0.name'));
    expect(at(one('Service').spec, 'ports.0.targetPort')).toBe(at(container, 'ports.0.name'));
    for (const manifest of manifests) {
      if (manifest.kind !== 'Namespace') expect(manifest.metadata.namespace).toBe(one('Namespace').metadata.name);
    }
  });
});
