import { Ajv } from 'ajv';
import type { ApiRequest } from './api-request.ts';

export type WebhookConfigurationKind = 'mutatingwebhookconfigurations' | 'validatingwebhookconfigurations';

export interface WebhookConfiguration {
  readonly kind: WebhookConfigurationKind;
  readonly name: string;
}

interface Webhooks {
  readonly webhooks?: readonly { readonly name: string; readonly clientConfig: { readonly caBundle?: string } }[];
}

const isWebhooks = new Ajv().compile<Webhooks>({
  type: 'object',
  properties: {
    webhooks: {
      type: 'array',
      items: {
        type: 'object',
        required: ['name', 'clientConfig'],
        properties: {
          name: { type: 'string' },
          clientConfig: { type: 'object', properties: { caBundle: { type: 'string' } } },
        },
      },
    },
  },
});

/**
 * Has API servers trust a bundle of authorities where they call the webhooks of a configuration. One that has the bundle
 * already is not written; one that does not exist has nobody to tell.
 *
 * @param bundle PEM
 * @throws Error where the API server refuses
 */
export async function publishBundle(
  request: ApiRequest,
  { kind, name }: WebhookConfiguration,
  bundle: string,
): Promise<void> {
  const path = `/apis/admissionregistration.k8s.io/v1/${kind}/${encodeURIComponent(name)}`;
  const { status, body } = await request({ method: 'GET', path });
  if (status === 404) return;
  if (status !== 200 || !isWebhooks(body)) throw new Error(`Reading ${kind}/${name} is answered with ${status}`);
  const caBundle = Buffer.from(bundle).toString('base64');
  const patch = (body.webhooks ?? []).flatMap((webhook, index) =>
    webhook.clientConfig.caBundle === caBundle
      ? []
      : [
          // Another webhook may have taken this place in the meantime.
          { op: 'test', path: `/webhooks/${index}/name`, value: webhook.name },
          { op: 'add', path: `/webhooks/${index}/clientConfig/caBundle`, value: caBundle },
        ],
  );
  if (patch.length === 0) return;
  const answer = await request({ method: 'PATCH', path, body: patch, contentType: 'application/json-patch+json' });
  if (answer.status !== 200) throw new Error(`Patching ${kind}/${name} is answered with ${answer.status}`);
}
