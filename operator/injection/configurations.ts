import type { WebhookConfiguration } from '../certificates/publish.ts';
import type { ApiClient } from '../cluster/kubernetes/api-client.ts';
import { isNotFound } from '../cluster/kubernetes/api-error.ts';
import { fieldManager } from '../cluster/kubernetes/field-manager.ts';
import { secretPath, type WebhookPath } from './webhook-key.ts';

/** The fields that are read of either kind of configuration. */
interface Webhook {
  readonly name: string;
  readonly clientConfig: { readonly url?: string; readonly service?: { readonly path?: string } };
}

const webhookPaths = {
  mutatingwebhookconfigurations: 'mutate',
  validatingwebhookconfigurations: 'validate',
} as const satisfies Record<WebhookConfiguration['kind'], WebhookPath>;

/** The end of the names of webhooks that are about resources of ours, and not about pods. */
const auditSuffix = '.audit.chaperone.dev';

function webhookPathOf({ kind }: WebhookConfiguration, name: string): WebhookPath {
  return name.endsWith(auditSuffix) ? 'audit' : webhookPaths[kind];
}

/**
 * Writes the secret path into a webhook configuration. A configuration that already has it is not written. A missing
 * one is ignored.
 *
 * @param mayChange called before anything is written
 * @throws ApiError where the API server refuses
 */
export async function publishPath(
  client: Pick<ApiClient, 'send'>,
  configuration: WebhookConfiguration,
  key: Buffer,
  mayChange: () => Promise<boolean>,
): Promise<void> {
  const webhooks = await readWebhooks(client, configuration);
  const patch = webhooks.flatMap(({ name, clientConfig }, index) => {
    const wanted = secretPath(key, webhookPathOf(configuration, name));
    if (pathOf(clientConfig) === wanted) return [];
    return [
      // Another webhook may have this index by now.
      { op: 'test', path: `/webhooks/${index}/name`, value: name },
      clientConfig.url === undefined
        ? { op: 'add', path: `/webhooks/${index}/clientConfig/service/path`, value: wanted }
        : { op: 'add', path: `/webhooks/${index}/clientConfig/url`, value: withPath(clientConfig.url, wanted) },
    ];
  });
  if (patch.length === 0 || !(await mayChange())) return;
  const contentType = 'application/json-patch+json';
  const path = objectPath(configuration);
  await client.send({ method: 'PATCH', path, query: { fieldManager }, body: patch, contentType });
}

/** Whether a configuration still names the paths without a secret, which older operators serve. */
export async function namesFormerPath(
  client: Pick<ApiClient, 'send'>,
  configuration: WebhookConfiguration,
): Promise<boolean> {
  const webhooks = await readWebhooks(client, configuration);
  return webhooks.some(({ clientConfig }) => pathOf(clientConfig) === `/${webhookPaths[configuration.kind]}`);
}

async function readWebhooks(
  client: Pick<ApiClient, 'send'>,
  configuration: WebhookConfiguration,
): Promise<readonly Webhook[]> {
  const path = objectPath(configuration);
  try {
    return (await client.send<{ webhooks?: readonly Webhook[] }>({ method: 'GET', path })).webhooks ?? [];
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}

function objectPath({ kind, name }: WebhookConfiguration): string {
  return `/apis/admissionregistration.k8s.io/v1/${kind}/${encodeURIComponent(name)}`;
}

function pathOf({ url, service }: Webhook['clientConfig']): string | undefined {
  return url === undefined ? service?.path : new URL(url).pathname;
}

function withPath(url: string, path: string): string {
  return new URL(path, url).href;
}
