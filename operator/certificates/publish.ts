import type { ApiClient } from '../cluster/kubernetes/api-client.ts';
import { isNotFound } from '../cluster/kubernetes/api-error.ts';
import { fieldManager } from '../cluster/kubernetes/field-manager.ts';

export interface WebhookConfiguration {
  readonly kind: 'mutatingwebhookconfigurations' | 'validatingwebhookconfigurations';
  readonly name: string;
}

/** The fields that are read of either kind. */
interface Webhooks {
  readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> };
  readonly webhooks?: readonly { readonly name: string; readonly clientConfig: { readonly caBundle?: string } }[];
}

/** Of a configuration: who looks after its bundle, as in the chart's `webhook.certificate.source`. */
export const sourceAnnotation = 'chaperone.dev/certificate-source';

/**
 * Writes a bundle of authorities into a webhook configuration, so that API servers trust them. A configuration that
 * already has the bundle is not written. A missing one is ignored. One that is of
 * another source is left alone: while operators are replaced, the former leader would write over it.
 *
 * @param bundle PEM
 * @throws ApiError where the API server refuses
 */
export async function publishBundle(
  client: Pick<ApiClient, 'send'>,
  { kind, name }: WebhookConfiguration,
  bundle: string,
): Promise<void> {
  const path = `/apis/admissionregistration.k8s.io/v1/${kind}/${encodeURIComponent(name)}`;
  const configuration = await client.send<Webhooks>({ method: 'GET', path }).catch((error: unknown) => {
    if (isNotFound(error)) return undefined;
    throw error;
  });
  const source = configuration?.metadata?.annotations?.[sourceAnnotation] ?? 'Operator';
  if (source !== 'Operator') return;
  const caBundle = Buffer.from(bundle).toString('base64');
  const patch = (configuration?.webhooks ?? []).flatMap((webhook, index) =>
    webhook.clientConfig.caBundle === caBundle
      ? []
      : [
          // Another webhook may have this index by now.
          { op: 'test', path: `/webhooks/${index}/name`, value: webhook.name },
          { op: 'add', path: `/webhooks/${index}/clientConfig/caBundle`, value: caBundle },
        ],
  );
  if (patch.length === 0) return;
  const contentType = 'application/json-patch+json';
  await client.send({ method: 'PATCH', path, query: { fieldManager }, body: patch, contentType });
}
