import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { suite, test } from 'node:test';
import { parse } from 'yaml';
import { tenantKinds } from '../../crds/definition.ts';
import { customKindEntries } from '../../crds/kinds.generated.ts';
import { kinds, type Reading, type Writing } from '../../operator/cluster/kinds.ts';
import { chart, parseRendered, type Rendered, render, repository, runHelm, skip } from './helm.ts';

/** Under the names that chart-testing looks for. */
const auditWebhook = 'resources.audit.chaperone.dev';
const valueFiles = globSync(join(chart, 'ci', '*-values.yaml')).sort();

/** A watch begins with a list. Single objects are read after a conflict, or where a resource refers to one. */
const rightsToRead: { readonly [R in Reading]: readonly string[] } = {
  whole: ['get', 'list', 'watch'],
  owned: ['get', 'list', 'watch'],
  metadata: ['get', 'list', 'watch'],
  survey: ['list', 'watch'],
};

/** A status has a right of its own. */
const rightsToWrite: { readonly [W in Writing]: readonly string[] } = {
  status: [],
  finalizers: ['patch'],
  objects: ['create', 'patch', 'delete'],
};

suite('the chart', { skip, concurrency: 2 }, () => {
  for (const file of valueFiles) {
    const name = basename(file, '-values.yaml');

    test(`renders ${name} as the golden file says (renew it by: npm test -- test/charts --test-update-snapshots)`, async (t) => {
      const rendered = await render('--values', file, '--set', 'crds.install=false');
      t.assert.fileSnapshot(withoutPasswords(rendered), join(import.meta.dirname, 'golden', `${name}.yaml`), {
        serializers: [String],
      });
    });

    test(`has no problem for helm lint with ${name}`, async () => {
      const report = await runHelm('lint', '--strict', chart, '--values', file);
      assert.match(report, /0 chart\(s\) failed/);
    });

    test(`gives no container of ${name} more than it needs`, async () => {
      const pods = parseRendered(await render('--values', file)).flatMap(podsOf);
      assert.ok(pods.length > 0);
      for (const { owner, spec } of pods) assertConfined(owner, spec);
    });

    test(`states the ephemeral storage of the containers of ${name}`, async () => {
      for (const { spec } of parseRendered(await render('--values', file)).flatMap(podsOf)) {
        // Without a volume of its own, the data of a database is on that disk, and must not have the pod evicted.
        const hasData = spec.volumes?.some(({ name, emptyDir }) => name === 'data' && emptyDir);
        for (const { name, resources } of [...spec.containers, ...(spec.initContainers ?? [])]) {
          const { requests = {}, limits = {} } = resources ?? {};
          assert.ok('ephemeral-storage' in requests, name);
          assert.equal('ephemeral-storage' in limits, !hasData, name);
        }
      }
    });
  }

  test('requires a database and says how to name one', async () => {
    await assert.rejects(render(), /The chart needs a database: name the Secret .* database\.external\.secretName/);
  });

  for (const file of valueFiles) {
    test(`names every image of ${basename(file)} exactly, and the sidecar's as the operator's`, async () => {
      const objects = parseRendered(await render('--values', file));
      const containers = objects
        .flatMap(podsOf)
        .flatMap(({ spec }) => [...spec.containers, ...(spec.initContainers ?? [])]);
      for (const { image } of containers) assert.match(image, /(:v?\d+\.\d+(\.\d+)?(-[\w.-]+)?|@sha256:[0-9a-f]{64})$/);
      const operator = containers.find(({ name }) => name === 'operator');
      assert.ok(operator?.args?.includes(`--image=${operator.image}`));
    });
  }

  test('contains the definitions of the repository, which stay when the release is removed', async () => {
    const definitions = parseRendered(await render('--set', 'database.bundled.enabled=true')).filter(isDefinition);
    const sources = globSync(join(repository, 'crds', '*.yaml'));
    assert.equal(definitions.length, sources.length);
    for (const source of sources) {
      const wanted = parse(await readFile(source, 'utf8'));
      const rendered = definitions.find(({ metadata }) => metadata.name === wanted.metadata.name);
      assert.deepEqual(rendered?.spec, wanted.spec);
      assert.equal(rendered?.metadata.annotations?.['helm.sh/resource-policy'], 'keep');
    }
  });

  test('gives the database a Service for its StatefulSet, and lets an upgrade replace a pod that never started', async () => {
    const objects = parseRendered(await render('--set', 'database.bundled.enabled=true'));
    const set = objects.find(({ kind }) => kind === 'StatefulSet')?.spec as {
      serviceName: string;
      podManagementPolicy: string;
      template: { metadata: { labels: Record<string, string> } };
    };
    const service = objects.find(({ kind, metadata }) => kind === 'Service' && metadata.name === set.serviceName);
    assert.ok(service, set.serviceName);
    const { clusterIP, selector } = service.spec as { clusterIP: string; selector: Record<string, string> };
    assert.equal(clusterIP, 'None');
    for (const [label, value] of Object.entries(selector)) assert.equal(set.template.metadata.labels[label], value);
    assert.equal(set.podManagementPolicy, 'Parallel');
  });

  test('leaves definitions out, or removes them with the release, on request', async () => {
    const without = parseRendered(await render('--set', 'database.bundled.enabled=true,crds.install=false'));
    assert.deepEqual(without.filter(isDefinition), []);
    const unkept = parseRendered(await render('--set', 'database.bundled.enabled=true,crds.keep=false'));
    for (const { metadata } of unkept.filter(isDefinition)) assert.equal(metadata.annotations, undefined);
  });

  test('limits the webhook to pods that ask for it, outside the system and its own namespace', async () => {
    const webhooks = parseRendered(await render('--set', 'database.bundled.enabled=true'))
      .filter(({ kind }) => kind.endsWith('WebhookConfiguration'))
      .flatMap(({ webhooks }) => webhooks as Webhook[])
      .filter(({ name }) => name !== auditWebhook);
    assert.equal(webhooks.length, 7);
    for (const { namespaceSelector, objectSelector, matchConditions } of webhooks) {
      const never = namespaceSelector.matchExpressions.find(({ key }) => key === 'kubernetes.io/metadata.name');
      assert.deepEqual(never, {
        key: 'kubernetes.io/metadata.name',
        operator: 'NotIn',
        values: ['kube-system', 'kube-node-lease', 'kube-public', 'chaperone-system'],
      });
      // Who has not asked is only asked about for the sake of Secrets that may be an organization's.
      if (matchConditions) {
        assert.match(matchConditions[0]?.expression ?? '', /startsWith\('chaperone-'\)/);
        continue;
      }
      const asked = [...namespaceSelector.matchExpressions, ...(objectSelector?.matchExpressions ?? [])].filter(
        ({ key, operator }) => key === 'chaperone.dev/inject' && operator === 'In',
      );
      assert.deepEqual(asked, [{ key: 'chaperone.dev/inject', operator: 'In', values: ['true'] }]);
    }
  });

  test('asks who changes resources without holding up anybody, unless told not to', async () => {
    const webhooksOf = async (values: string) =>
      parseRendered(await render('--set', `database.bundled.enabled=true${values}`))
        .filter(({ kind }) => kind === 'ValidatingWebhookConfiguration')
        .flatMap(({ webhooks }) => webhooks as Webhook[]);
    const asking = (await webhooksOf('')).find(({ name }) => name === auditWebhook);
    assert.ok(asking);
    assert.deepEqual([asking.failurePolicy, asking.sideEffects, asking.timeoutSeconds], ['Ignore', 'NoneOnDryRun', 3]);
    assert.deepEqual(
      asking.rules[0]?.resources.toSorted(),
      Object.values(customKindEntries)
        .map(({ plural }) => String(plural))
        .sort(),
    );
    const without = await webhooksOf(',webhook.audit.enabled=false');
    assert.ok(without.length > 0 && without.every(({ name }) => name !== auditWebhook));
    const alone = await webhooksOf(',webhook.validation.enabled=false');
    assert.deepEqual(
      alone.map(({ name }) => name),
      [auditWebhook],
    );
  });

  test('does not reveal the webhooks’ paths', async () => {
    const rendered = await render('--set', 'database.bundled.enabled=true');
    for (const { webhooks } of parseRendered(rendered).filter(({ kind }) => kind.endsWith('WebhookConfiguration'))) {
      for (const { clientConfig } of webhooks as Webhook[]) assert.equal(clientConfig.service.path, undefined);
    }
  });

  test('lists every right by name', async () => {
    const roles = parseRendered(await render('--set', 'database.bundled.enabled=true')).filter(({ kind }) =>
      ['Role', 'ClusterRole'].includes(kind),
    );
    // The operator's and the check's two each, and four for people.
    assert.equal(roles.length, 8);
    for (const { rules, metadata } of roles) {
      assert.doesNotMatch(JSON.stringify(rules), /\*/, metadata.name);
    }
  });

  test('gives the operator the rights on each kind that the registry of kinds asks for, and no others', async () => {
    const roles = parseRendered(await render('--set', 'database.bundled.enabled=true')).filter(
      ({ kind, metadata }) => kind === 'ClusterRole' && metadata.name === 'chaperone-chaperone-system',
    );
    const given = new Map<string, readonly string[]>();
    for (const { apiGroups, resources, verbs } of roles.flatMap((role) => role.rules as Rule[])) {
      if (!apiGroups?.some((group) => ['', 'chaperone.dev'].includes(group))) continue;
      for (const resource of resources) given.set(resource, verbs.toSorted());
    }
    const needed = new Map<string, readonly string[]>();
    for (const { plural, reads, writes } of Object.values(kinds)) {
      const verbs = [
        ...reads.flatMap((reading) => rightsToRead[reading]),
        ...writes.flatMap((one) => rightsToWrite[one]),
      ];
      needed.set(plural, [...new Set(verbs)].sort());
      if (writes.includes('status')) needed.set(`${plural}/status`, ['update']);
    }
    const byResource = (rights: ReadonlyMap<string, unknown>) => [...rights].sort(([a], [b]) => (a < b ? -1 : 1));
    assert.deepEqual(byResource(given), byResource(needed));
  });

  test('lets the operator make gateways in its own namespace alone, and only where it is to', async () => {
    const rulesOf = async (...values: string[]) => {
      const objects = parseRendered(await render('--set', 'database.bundled.enabled=true', ...values));
      const rules = objects
        .filter(({ kind, metadata }) => kind === 'Role' && metadata.name === 'chaperone')
        .flatMap((role) => role.rules as Rule[]);
      return rules.flatMap(({ resources, verbs }) => resources.map((resource) => [resource, verbs.includes('create')]));
    };
    const gateways = ['deployments', 'services', 'horizontalpodautoscalers', 'poddisruptionbudgets'];
    const given = Object.fromEntries(await rulesOf());
    for (const resource of gateways) assert.equal(given[resource], true, resource);
    const without = Object.fromEntries(await rulesOf('--set', 'operator.runsGateways=false'));
    for (const resource of gateways) assert.equal(without[resource], undefined, resource);
    const rendered = await render('--set', 'database.bundled.enabled=true,operator.runsGateways=false');
    assert.doesNotMatch(rendered, /--gateways/);
  });

  test('lets the operator train models in the stated namespaces alone', async () => {
    const rendered = await render('--set', 'database.bundled.enabled=true,operator.trainingNamespaces={one,two}');
    const roles = parseRendered(rendered).filter(({ metadata }) => metadata.name === 'chaperone-training');
    const places = roles.map(({ kind, metadata }) => `${kind} ${metadata.namespace}`);
    assert.deepEqual(places, ['Role one', 'Role two', 'RoleBinding one', 'RoleBinding two']);
    assert.match(rendered, /--training-namespaces=one,two/);
    const usual = await render('--set', 'database.bundled.enabled=true');
    assert.doesNotMatch(usual, /training-namespaces|chaperone-training|pods\/log/);
  });

  test("lets the check's account only read", async () => {
    const objects = parseRendered(await render('--set', 'database.bundled.enabled=true'));
    const rules = objects
      .filter(({ kind, metadata }) => ['Role', 'ClusterRole'].includes(kind) && metadata.name.endsWith('-check'))
      .flatMap((role) => role.rules as Rule[]);
    assert.deepEqual([...new Set(rules.flatMap(({ verbs }) => verbs))].sort(), ['get', 'list']);
    const secrets = rules.filter(({ resources }) => resources.includes('secrets'));
    assert.deepEqual(
      secrets.map(({ verbs, resourceNames }) => [verbs, resourceNames]),
      [[['get'], ['chaperone-webhook-tls']]],
    );
    const without = await render('--set', 'database.bundled.enabled=true,check.enabled=false');
    assert.doesNotMatch(without, /-check|helm\.sh\/hook/);
  });

  test('lets only bound users edit an Organization, and adds the other rights to the built-in roles', async () => {
    const rolesOf = async (...values: string[]) =>
      parseRendered(await render('--set', 'database.bundled.enabled=true', ...values)).filter(
        ({ kind }) => kind === 'ClusterRole',
      );
    const aggregated = (await rolesOf()).filter(({ metadata }) =>
      Object.keys(metadata.labels ?? {}).some((label) => label.includes('/aggregate-to-')),
    );
    assert.deepEqual(
      aggregated.map(({ metadata }) => metadata.name),
      ['edit', 'view', 'organizations-view'].map((name) => `chaperone-chaperone-system-${name}`),
    );
    const writes = aggregated
      .flatMap((role) => role.rules as Rule[])
      .filter(({ verbs }) => verbs.some((verb) => !['get', 'list', 'watch'].includes(verb)));
    assert.deepEqual(
      writes.map(({ resources }) => resources),
      [tenantKinds.map((kind) => kinds[kind].plural)],
    );
    const unaggregated = await rolesOf('--set', 'rbac.aggregate=false');
    assert.doesNotMatch(JSON.stringify(unaggregated), /aggregate-to/);
  });

  test('serves the webhooks with somebody else’s certificate, where one is named', async () => {
    const source =
      'webhook.certificate.source=Secret,webhook.certificate.secretName=ours,webhook.certificate.caBundle=Q0E=';
    const objects = parseRendered(await render('--set', `database.bundled.enabled=true,${source}`));
    for (const { kind, webhooks } of objects.filter(({ kind }) => kind.endsWith('WebhookConfiguration'))) {
      for (const { clientConfig } of webhooks as Webhook[]) assert.equal(clientConfig.caBundle, 'Q0E=', kind);
    }
    const operator = objects.find(({ kind }) => kind === 'Deployment');
    assert.match(JSON.stringify(operator), /--webhook-certificates=\/etc\/chaperone\/webhook.*"secretName":"ours"/);
  });

  test('lets only the named ones reach the webhook and the metrics', async () => {
    const from = 'networkPolicies.operator.webhookFrom[0].ipBlock.cidr=10.0.0.1/32';
    for (const [values, expected] of [
      ['database.bundled.enabled=true', undefined],
      [`database.bundled.enabled=true,${from}`, [{ ipBlock: { cidr: '10.0.0.1/32' } }]],
    ] as const) {
      const policies = parseRendered(await render('--set', values)).filter(({ kind }) => kind === 'NetworkPolicy');
      const policy = policies.find(({ metadata }) => metadata.name === 'chaperone');
      assert.ok(policy);
      const { ingress } = policy.spec as {
        ingress: readonly { from?: readonly object[]; ports: readonly { port: string }[] }[];
      };
      assert.deepEqual(ingress[0]?.from, expected);
      assert.deepEqual(ingress[1], { ports: [{ port: 'metrics' }] });
    }
  });

  test('passes the network’s proxy to sidecars', async () => {
    const url = 'sidecar.egressProxy.url=http://proxy.example.com:3128';
    const rendered = await render(
      '--set',
      `database.bundled.enabled=true,${url},sidecar.egressProxy.noProxy={.svc,10.0.0.0/8}`,
    );
    assert.match(rendered, /--sidecar-egress-proxy=http:\/\/proxy\.example\.com:3128"/);
    assert.match(rendered, /--sidecar-no-proxy=\.svc,10\.0\.0\.0\/8"/);
    assert.doesNotMatch(await render('--set', 'database.bundled.enabled=true'), /egress-proxy/);
  });

  test('passes the client for requests to providers to sidecars and workers', async () => {
    const bundled = 'database.bundled.enabled=true';
    const rendered = await render('--set', `${bundled},sidecar.httpClient=undici`);
    assert.match(rendered, /- --sidecar-http-client=undici\n/);
    assert.match(rendered, /- --http-client=undici\n/);
    assert.doesNotMatch(await render('--set', bundled), /http-client/);
  });

  test('names the collector of traces to the operator, workers and sidecars', async () => {
    const bundled = 'database.bundled.enabled=true';
    const named = 'traces.endpoint=http://collector:4318,traces.samplingPercentage=2.5';
    const rendered = await render('--set', `${bundled},${named}`);
    assert.match(
      rendered,
      /- "--sidecar-traces-endpoint=http:\/\/collector:4318"\n\s*- --sidecar-traces-ratio=0\.025\n/,
    );
    const variables = /name: OTEL_EXPORTER_OTLP_ENDPOINT, value: "http:\/\/collector:4318"/g;
    assert.equal(rendered.match(variables)?.length, 2);
    assert.equal(rendered.match(/name: OTEL_TRACES_SAMPLER_ARG, value: "0\.025"/g)?.length, 2);
    const proxied = await render('--set', `${bundled},${named},sidecar.egressProxy.url=http://proxy:3128`);
    assert.match(proxied, /name: NO_PROXY.*\n\s*- \{ name: OTEL_EXPORTER_OTLP_ENDPOINT/);
    assert.doesNotMatch(await render('--set', bundled), /OTEL|traces-/);
  });

  const refused: readonly (readonly [value: string, reason: RegExp])[] = [
    ['traces.endpoint=collector:4317', /traces\/endpoint/],
    ['traces.samplingPercentage=101', /samplingPercentage/],
    ['operater.replicas=1', /operater/],
    ['sidecar.httpClient=fetch', /httpClient/],
    ['webhook.certificate.source=Secret', /secretName is needed/],
    ['webhook.certificate.source=CertManager', /issuerRef\.name is needed/],
    ['operator.replicas=-1', /operator\/replicas/],
    ['webhook.failurePolicy=Maybe', /webhook\/failurePolicy/],
    ['upstream=models.example.com', /upstream/],
    ['image.digest=latest', /image\/digest/],
    ['image.tag=latest', /image\/tag/],
    ['database.bundled.image=postgres', /bundled\/image/],
    ['database.bundled.image=registry:5000/postgres', /bundled\/image/],
    ['database.bundled.image=postgres:latest', /bundled\/image/],
    ['database.bundled.digest=18', /bundled\/digest/],
    ['sidecar.imagePullPolicy=Sometimes', /sidecar\/imagePullPolicy/],
    ['sidecar.imagePullSecrets[0].name=a\\,b', /sidecar\/imagePullSecrets/],
    ['sidecar.egressProxy.url=proxy:3128', /egressProxy\/url/],
    ['sidecar.dataSizeLimit=5G', /dataSizeLimit/],
    ['webhook.timeoutSeconds=60', /timeoutSeconds/],
    ['database.external.secretName=My_Secret', /secretName/],
  ];
  for (const [value, reason] of refused) {
    test(`refuses ${value}`, async () => {
      await assert.rejects(render('--set', 'database.bundled.enabled=true', '--set', value), reason);
    });
  }
});

interface Webhook {
  readonly name: string;
  readonly failurePolicy: string;
  readonly sideEffects: string;
  readonly timeoutSeconds: number;
  readonly rules: readonly { readonly resources: readonly string[] }[];
  readonly clientConfig: { readonly caBundle?: string; readonly service: { readonly path?: string } };
  readonly namespaceSelector: Selector;
  readonly objectSelector: Partial<Selector> | null;
  readonly matchConditions?: readonly { readonly expression: string }[];
}

interface Selector {
  readonly matchExpressions: readonly { key: string; operator: string; values?: string[] }[];
}

interface PodSpec {
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly volumes?: readonly { readonly name: string; readonly emptyDir?: object }[];
}

interface Container {
  readonly name: string;
  readonly image: string;
  readonly args?: readonly string[];
  readonly resources?: { readonly requests?: object; readonly limits?: object };
  readonly securityContext: Readonly<Record<string, unknown>>;
}

function podsOf({ kind, metadata, spec }: Rendered): { owner: string; spec: PodSpec }[] {
  const specOf = (template: unknown) => (template as { template: { spec: PodSpec } }).template.spec;
  switch (kind) {
    case 'Deployment':
    case 'StatefulSet':
      return [{ owner: metadata.name, spec: specOf(spec) }];
    case 'CronJob':
      return [{ owner: metadata.name, spec: specOf((spec as { jobTemplate: { spec: unknown } }).jobTemplate.spec) }];
    case 'Pod':
      return [{ owner: metadata.name, spec: spec as PodSpec }];
    default:
      return [];
  }
}

function assertConfined(owner: string, { securityContext, containers, initContainers = [] }: PodSpec): void {
  assert.equal(securityContext.runAsNonRoot, true, owner);
  // Low ids may be somebody's on the node.
  assert.ok(Number(securityContext.runAsUser) >= 10_000 && Number(securityContext.runAsGroup) >= 10_000, owner);
  assert.deepEqual(securityContext.seccompProfile, { type: 'RuntimeDefault' }, owner);
  for (const container of [...containers, ...initContainers]) {
    const place = `${owner}/${container.name}`;
    assert.equal(container.securityContext.readOnlyRootFilesystem, true, place);
    assert.equal(container.securityContext.allowPrivilegeEscalation, false, place);
    const capabilities = container.securityContext.capabilities as { drop: string[]; add?: string[] };
    assert.deepEqual(capabilities.drop, ['ALL'], place);
    // It runs once, before PostgreSQL, and only where it is asked for.
    assert.deepEqual(capabilities.add, container.name === 'change-owner' ? ['CHOWN'] : undefined, place);
    assert.ok(container.resources?.requests && container.resources.limits, place);
  }
}

function isDefinition({ kind }: Rendered): boolean {
  return kind === 'CustomResourceDefinition';
}

interface Rule {
  readonly apiGroups?: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

/** They are made anew with each rendering outside a cluster. */
function withoutPasswords(rendered: string): string {
  const passwords = rendered.matchAll(/-password: (\w{32})$/gm).map(([, password]) => password ?? '');
  return [...passwords].reduce((text, password) => text.replaceAll(password, 'PASSWORD'), rendered);
}
