import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import OpenAI from 'openai';
import { collectDefaultMetrics } from 'prom-client';
import { parseDocument, stringify } from 'yaml';
import { makeMonitoringServer } from '../../operator/runtime/monitoring.ts';
import { TextRegistry } from '../../operator/runtime/text-registry.ts';
import { replaceFile } from '../directories.ts';
import { atEnd, type Scope } from '../scope.ts';
import { type ScriptedProvider, sendJson, startScriptedProvider } from '../scripted-provider.ts';
import { type Stack, startStack } from '../stack.ts';
import { type Receiver, startReceiver, stateWebhook } from '../worker/webhooks/receiver.ts';
import { startStackWorker } from '../worker/webhooks/start.ts';
import type { Target } from './prometheus.ts';

/** The product, with every kind of rule, and what scrapes it. */
export interface Product extends Stack {
  readonly targets: readonly Target[];
  readonly client: OpenAI;
  readonly receiver: Receiver;
  readonly odd: ScriptedProvider;
  /** An issuer of tokens that cannot be reached. */
  readonly issuer: string;
}

const nowhere = 'http://127.0.0.1:1';

/** Starts operator, proxy and worker. The labels of the targets are those that the chart's monitors cause. */
export async function startProduct(scope: Scope): Promise<Product> {
  const receiver = await startReceiver(scope);
  const odd = await startScriptedProvider(scope);
  const registry = new TextRegistry();
  collectDefaultMetrics({ register: registry });
  for (const kind of ['handles', 'requests', 'resources']) registry.removeSingleMetric(`nodejs_active_${kind}_total`);
  const stack = await startStack(scope, {
    operatorMetrics: registry,
    rulesMs: { period: 500, write: 500 },
    proxyArguments: ['--pod-namespace', 'default', '--workload', 'assistant'],
    prepare: (directory) => prepare(directory, receiver.url, odd.url),
  });
  const worker = await startStackWorker(scope, stack);
  const monitoring = makeMonitoringServer({ registry, unhealthy: () => undefined, notReady: () => undefined });
  await once(monitoring.listen(0, '127.0.0.1'), 'listening');
  atEnd(scope, () => {
    monitoring.close();
    monitoring.closeAllConnections();
  });
  const system = { namespace: 'chaperone-system' };
  return {
    ...stack,
    receiver,
    odd,
    issuer: nowhere,
    client: new OpenAI({
      baseURL: stack.baseUrl,
      apiKey: stack.token,
      defaultHeaders: { 'X-User-ID': 'ada' },
      maxRetries: 0,
    }),
    targets: [
      {
        job: 'chaperone-sidecars',
        port: stack.proxy.metricsPort,
        labels: { namespace: 'default', pod: 'assistant-0', container: 'chaperone-proxy' },
      },
      { job: 'chaperone-workers', port: worker.metricsPort, labels: { ...system, pod: 'chaperone-worker-0' } },
      {
        job: 'chaperone-metrics',
        port: (monitoring.address() as AddressInfo).port,
        labels: { ...system, pod: 'chaperone-0' },
        honorsLabels: true,
      },
    ],
  };
}

export async function prepare(directory: string, receiverUrl: string, oddUrl: string): Promise<void> {
  const webhook = { name: 'incidents', url: `${receiverUrl}/hook`, secretRef: { name: 'webhook', key: 'secret' } };
  await stateWebhook(directory, webhook, rules(oddUrl));
  await stateKeys(directory);
}

/** Fields of the Organization: something for every metric. */
function rules(oddUrl: string): object {
  return {
    // It is no collector, and refuses every span.
    traces: { endpoint: oddUrl },
    providers: [
      {
        ...{ name: 'down', type: 'compatible', baseUrl: `${nowhere}/v1`, priority: 0, models: [{ name: 'gpt-4.1' }] },
        circuitBreaker: { failures: 2, pause: '10m' },
      },
      {
        name: 'odd',
        type: 'compatible',
        baseUrl: oddUrl,
        priority: 0,
        models: [{ name: 'odd-model' }, { name: 'unknown-*' }],
      },
      { name: 'openai', type: 'openai', priority: 1 },
    ],
    authentication: {
      defaultRoles: ['admin'],
      issuers: [{ issuer: nowhere, audiences: ['us'], jwksUri: `${nowhere}/keys`, userClaim: 'email' }],
    },
    models: {
      aliases: [{ name: 'support', model: 'gpt-4o' }],
      ceilings: [{ name: 'short', match: { models: ['gpt-4o'] }, action: 'Lower', maxOutputTokens: 100 }],
    },
    limits: [{ name: 'tight', match: { models: ['gpt-4.1-mini'] }, requests: { count: 1, window: '1h' } }],
    budgets: [
      { name: 'month', amountUsd: '0.000001', window: 'Month', warnAt: [50], action: 'Warn' },
      { name: 'none', match: { models: ['gpt-5'] }, amountUsd: '0.000000001', window: 'Day' },
    ],
    guardrails: [
      { name: 'no-keys', action: 'Block', appliesTo: 'Input', match: { operations: ['chat'] }, secrets: {} },
      { name: 'promises', action: 'Review', match: { operations: ['chat'] }, words: { words: ['guaranteed'] } },
      { name: 'mail', action: 'Report', match: { operations: ['chat'] }, pii: { kinds: ['email'] } },
      {
        ...{ name: 'check', action: 'Block', appliesTo: 'Input', match: { models: ['gpt-4.1-nano'] } },
        external: { url: `${nowhere}/check`, networks: ['127.0.0.0/8'], timeout: '1s', onError: 'Pass' },
      },
    ],
    knowledgeBase: { embedding: { model: 'text-embedding-3-large' } },
    deprecations: [{ route: 'POST /v1/completions', since: '2026-01-12T00:00:00Z' }],
    cache: { match: { models: ['text-embedding-3-small'] } },
    prices: [{ model: 'tts-1', charactersPerMillion: '15' }],
  };
}

/** A key for each provider, and a persona that stays unready. */
async function stateKeys(directory: string): Promise<void> {
  const bindings = ['down', 'odd', 'openai'].map((provider) => ({
    ...{ apiVersion: 'chaperone.dev/v1alpha1', kind: 'ApiKeyBinding', metadata: { name: provider } },
    spec: { organizationRef: { name: 'acme' }, provider, secretKeyRef: { name: 'openai', key: 'shared' } },
  }));
  const broken = {
    ...{ apiVersion: 'chaperone.dev/v1alpha1', kind: 'ApiKeyBinding', metadata: { name: 'keyless' } },
    spec: { organizationRef: { name: 'acme' }, provider: 'openai', secretKeyRef: { name: 'nothing', key: 'key' } },
  };
  const texts = [...bindings, broken].map((object) => stringify(object));
  await replaceFile(join(directory, 'keys.yaml'), texts.join('---\n'));
  const file = join(directory, 'organization.yaml');
  const document = parseDocument(await readFile(file, 'utf8'));
  document.deleteIn(['spec', 'models', 'allow']);
  document.deleteIn(['spec', 'models', 'deny']);
  await replaceFile(file, document.toString());
}

const usages = [
  { prompt_tokens: 20, completion_tokens: 424, total_tokens: 1_016 },
  { prompt_tokens: 11, completion_tokens: Number.MAX_SAFE_INTEGER - 11, total_tokens: Number.MAX_SAFE_INTEGER },
];

/** Makes a provider answer with figures that do not add up, and implausible ones, in turn. */
export function answerOddly({ odd }: Product): void {
  let asked = 0;
  odd.answer = (response) => {
    const usage = usages[asked % usages.length];
    asked += 1;
    return sendJson(response, { id: `chatcmpl-${asked}`, model: 'odd-model', choices: [], usage });
  };
}
