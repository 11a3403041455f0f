import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Cluster, Secret } from '../cluster/cluster.ts';
import type { ApiClient } from '../cluster/kubernetes/api-client.ts';
import { ApiError } from '../cluster/kubernetes/api-error.ts';
import { readCertificates, type StoredCertificates, toCertificateData } from './certificate-secret.ts';
import { type CertificateDecision, type CertificatePolicy, decideCertificates } from './decide.ts';
import { issueAuthority, issueServing } from './issue.ts';
import { publishBundle, type WebhookConfiguration } from './publish.ts';

export interface CertificateManagerContext {
  /** Must be started, and must show the Secret below. */
  readonly cluster: Pick<Cluster, 'get' | 'subscribe' | 'applySecret'>;
  readonly client: Pick<ApiClient, 'send'>;
  /** The Secret with the certificates. */
  readonly secret: SecretName;
  /** The webhook configurations that trust the authorities. */
  readonly configurations: readonly WebhookConfiguration[];
  readonly policy: CertificatePolicy;
  readonly log: Logger;
  readonly now?: () => number;
  /** How often to check the configurations, which others write, too. */
  readonly intervalMs?: number;
}

export interface SecretName {
  readonly namespace: string;
  readonly name: string;
}

export interface CertificateManager {
  /** Stops, and resolves when nothing is running any more. */
  stop(): Promise<void>;
}

const defaultIntervalMs = 10_000;
const retryMs = 2_000;

/** Issues, renews and publishes the webhook's certificates until stopped. Only the leader runs it. */
export function startCertificateManager(context: CertificateManagerContext): CertificateManager {
  const { cluster, secret, log, intervalMs = defaultIntervalMs } = context;
  const stopping = new AbortController();
  let wake = () => {};
  const unsubscribe = cluster.subscribe(({ kind, namespace, name }) => {
    if (kind === 'Secret' && namespace === secret.namespace && name === secret.name) wake();
  });

  const run = async () => {
    while (!stopping.signal.aborted) {
      // Subscribe before reading, so that no change is missed in between.
      const changed = new Promise<void>((resolve) => {
        wake = resolve;
      });
      const waitMs = await maintain(context, stopping.signal).catch((error: unknown) => {
        if (!stopping.signal.aborted) log.warn({ err: error }, 'cannot maintain the webhook certificates');
        return Math.max(retryMs, error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0);
      });
      await waitFor(changed, Math.min(waitMs, intervalMs), stopping.signal);
    }
  };
  const running = run();
  return {
    async stop() {
      stopping.abort();
      unsubscribe();
      await running;
    },
  };
}

/** @returns milliseconds until the next step is due */
async function maintain(context: CertificateManagerContext, signal: AbortSignal): Promise<number> {
  const { cluster, secret, policy, log, now = Date.now } = context;
  const stored = readCertificates(cluster.get('Secret', secret.namespace, secret.name)?.data);
  // The stored authorities must be published before a new certificate is used.
  if (stored) await publish(context, stored);
  const decision = decideCertificates(stored, policy, now());
  if (decision.action === 'keep') return decision.nextCheckMs;

  const next = await carryOut(decision, stored, policy, now());
  const ownerUid = cluster.get('Namespace', '', secret.namespace)?.metadata.uid;
  if (ownerUid === undefined) throw new Error(`There is no namespace "${secret.namespace}"`);
  // The Secret belongs to the installation, and the namespace's uid stands for it.
  const isOwn = (one: Secret) => readCertificates(one.data) !== undefined;
  await cluster.applySecret({ ...secret, data: toCertificateData(next), ownerUid, isOwn });
  await publish(context, next);
  log.info({ reason: decision.reason, action: decision.action }, 'changed the webhook certificates');
  await untilShown(context, next, signal);
  return 0;
}

async function carryOut(
  decision: Exclude<CertificateDecision, { action: 'keep' }>,
  stored: StoredCertificates | undefined,
  policy: CertificatePolicy,
  nowMs: number,
): Promise<StoredCertificates> {
  const isNew = !stored || decision.action === 'bootstrap';
  const makeAuthority = () => issueAuthority({ lifetimeMs: policy.authorityLifetimeMs, nowMs });
  const makeServing = (authority: StoredCertificates['authority']) =>
    issueServing(authority, policy.names, { lifetimeMs: policy.servingLifetimeMs, nowMs });
  if (isNew) {
    const authority = await makeAuthority();
    return { authority, serving: await makeServing(authority), trusted: [authority.certificate] };
  }
  if (decision.authority) {
    const authority = await makeAuthority();
    return { ...stored, authority, trusted: [...decision.trusted, authority.certificate] };
  }
  const { authority } = stored;
  return {
    authority,
    serving: decision.serving ? await makeServing(authority) : stored.serving,
    trusted: decision.trusted,
  };
}

async function publish(
  { client, configurations }: CertificateManagerContext,
  { trusted }: StoredCertificates,
): Promise<void> {
  for (const configuration of configurations) await publishBundle(client, configuration, trusted.join(''));
}

/** Waits until the cache shows the write. A decision from an old state would issue everything twice. */
async function untilShown(
  { cluster, secret }: CertificateManagerContext,
  { serving, trusted }: StoredCertificates,
  signal: AbortSignal,
): Promise<void> {
  const deadlineMs = performance.now() + defaultIntervalMs;
  while (performance.now() < deadlineMs) {
    const shown = readCertificates(cluster.get('Secret', secret.namespace, secret.name)?.data);
    if (shown?.serving.certificate === serving.certificate && shown.trusted.length === trusted.length) return;
    await delay(10, undefined, { signal });
  }
}

async function waitFor(changed: Promise<void>, ms: number, signal: AbortSignal): Promise<void> {
  const ended = new AbortController();
  const timer = delay(ms, undefined, { signal: AbortSignal.any([signal, ended.signal]) }).catch(() => {});
  await Promise.race([changed, timer]);
  ended.abort();
}
