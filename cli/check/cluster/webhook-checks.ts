import { type CheckGroup, failed, failedIfAny, makeCheckFactory, ok, unknown, warning } from '../check.ts';
import { readBundle, whyUntrusted } from './certificate.ts';
import type { ClusterFacts } from './facts.ts';

const check = makeCheckFactory<ClusterFacts>();

const dayMs = 24 * 3_600_000;
/** The operator renews a certificate a month before its end. With a week left, it has failed for weeks. */
const leastDays = 7;

export const webhookChecks: CheckGroup<ClusterFacts> = {
  name: 'chaperone-webhook',
  checks: [
    check({
      id: 'webhook-configurations',
      description: 'the webhooks are registered',
      from: ['webhooks', 'guards', 'namespace'],
      decide: ({ webhooks, guards, namespace }) => {
        const hint = 'Upgrade or install the chart; it makes the webhook configurations.';
        if (!webhooks.some(({ kind }) => kind === 'MutatingWebhookConfiguration')) {
          return failed(`No MutatingWebhookConfiguration calls namespace "${namespace}", so no pod gets a sidecar.`, {
            hint,
          });
        }
        const unpublished = webhooks.filter(({ path }) => !/^\/(mutate|validate|audit)\/./.test(path));
        if (unpublished.length > 0) {
          return failed('API servers do not know the path of these webhooks, or use that of a former version.', {
            items: unpublished.map(({ kind, name }) => `${kind} ${name}`),
            hint: `The leading operator publishes the paths when no operator of a former version is left. Look at: kubectl -n ${namespace} get pods; kubectl -n ${namespace} logs -l app.kubernetes.io/component=operator`,
          });
        }
        const isValidated = webhooks.some(
          ({ kind, path }) => kind === 'ValidatingWebhookConfiguration' && !path.startsWith('/audit/'),
        );
        const idle = guards.filter(({ denies }) => !denies);
        if (idle.length > 0) {
          return warning('Admission policies refuse nothing, since no binding with the action Deny uses them:', {
            items: idle.map(({ name }) => `ValidatingAdmissionPolicy ${name}`),
            hint,
          });
        }
        if (!isValidated && guards.length === 0) {
          return warning('Nothing validates pods, so a pod that asked for a sidecar can run without one.', {
            hint: 'Set webhook.guard.enabled or webhook.validation.enabled in the chart.',
          });
        }
        return ok();
      },
    }),
    check({
      id: 'webhook-endpoints',
      description: "the webhook's Service has endpoints",
      from: ['webhooks', 'endpoints', 'namespace'],
      decide: ({ webhooks, endpoints, namespace }) => {
        if (webhooks.length === 0) return unknown('there is no webhook');
        const services = [...new Set(webhooks.map(({ service }) => service))];
        return failedIfAny(
          services.flatMap((service) => {
            const slices = endpoints.filter(
              ({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === service,
            );
            const hasReady = slices.some((slice) =>
              slice.endpoints?.some(({ conditions }) => conditions?.ready !== false),
            );
            return hasReady ? [] : `Service ${namespace}/${service} has no ready endpoint`;
          }),
          'The API server cannot reach the webhook.',
          `Pods that ask for a sidecar are refused, or with failurePolicy Ignore run without one. Look at: kubectl -n ${namespace} get pods,endpointslices`,
        );
      },
    }),
    check({
      id: 'webhook-trust',
      description: "the API server trusts the webhook's certificate",
      from: ['webhooks', 'certificate', 'namespace', 'server'],
      decide: ({ webhooks, certificate, namespace, server: { nowMs } }) => {
        if (webhooks.length === 0) return unknown('there is no webhook');
        return failedIfAny(
          webhooks.flatMap(({ kind, configuration, name, service, bundle }) => {
            const reason = whyUntrusted(certificate.chain, bundle, `${service}.${namespace}.svc`, nowMs);
            return reason === undefined ? [] : `${kind} ${configuration}, webhook ${name}: ${reason}`;
          }),
          `The webhooks do not trust the certificate in Secret ${namespace}/${certificate.secretName}.`,
          certificate.isOperatorMade
            ? `The leading operator makes it and publishes the caBundle within seconds. If it does not, ${lookAtLog(namespace)}`
            : 'The Secret and the caBundle must be of the same authority. Set both in the chart (webhook.certificate).',
        );
      },
    }),
    check({
      id: 'webhook-certificate-expiry',
      description: `the webhook's certificate is valid for ${leastDays} more days`,
      from: ['certificate', 'namespace', 'server'],
      decide: ({ certificate, namespace, server: { nowMs } }) => {
        const { secretName, isOperatorMade, chain } = certificate;
        const hint = isOperatorMade
          ? `The operator makes and renews it; ${lookAtLog(namespace)}. If you delete Secret ${secretName}, it makes a new one.`
          : `Renew the certificate in Secret ${namespace}/${secretName}. The operator reads it by itself.`;
        // If an authority in the chain expires, the certificate is no longer valid.
        const [first] = readBundle(chain).toSorted((one, other) => Number(one.validToDate) - Number(other.validToDate));
        if (!first) return failed(`Secret ${namespace}/${secretName} is missing, or has no certificate.`, { hint });
        const days = (first.validToDate.getTime() - nowMs) / dayMs;
        if (days > leastDays) return ok(`${Math.floor(days)} days`);
        const which = first.ca ? 'Its authority' : 'It';
        const when = days > 0 ? `expires in ${days.toFixed(1)} days` : `expired at ${first.validTo}`;
        return failed(`${which} ${when}.`, { hint });
      },
    }),
  ],
};

function lookAtLog(namespace: string): string {
  return `look at: kubectl -n ${namespace} logs -l app.kubernetes.io/component=operator`;
}
