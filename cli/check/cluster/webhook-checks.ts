import { type CheckGroup, failed, failedIfAny, makeCheckFactory, ok, unknown, warning } from '../check.ts';
import { readBundle, whyUntrusted } from './certificate.ts';
import type { ClusterFacts } from './facts.ts';

const check = makeCheckFactory<ClusterFacts>();

const dayMs = 24 * 3_600_000;
/** The operator renews a month before the end; with a week left, it has failed to for weeks. */
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
          return failed(`No MutatingWebhookConfiguration leads to namespace "${namespace}": no pod gets a sidecar.`, {
            hint,
          });
        }
        const untold = webhooks.filter(({ path }) => !/^\/(mutate|validate)\/./.test(path));
        if (untold.length > 0) {
          return failed('API servers do not know yet where to ask, or still ask at the paths of a former version.', {
            items: untold.map(({ kind, name }) => `${kind} ${name}`),
            hint: `The leading operator publishes the paths, once no operator of a former version is left. Look at: kubectl -n ${namespace} get pods; kubectl -n ${namespace} logs -l app.kubernetes.io/component=operator`,
          });
        }
        const isValidated = webhooks.some(({ kind }) => kind === 'ValidatingWebhookConfiguration');
        const idle = guards.filter(({ denies }) => !denies);
        if (idle.length > 0) {
          return warning('Admission policies refuse nothing, since no binding has them deny:', {
            items: idle.map(({ name }) => `ValidatingAdmissionPolicy ${name}`),
            hint,
          });
        }
        if (!isValidated && guards.length === 0) {
          return warning('Pods that asked for a sidecar and got none are let in: nothing validates them.', {
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
          'The API server reaches nobody who serves the webhook.',
          `Pods that ask for a sidecar are refused, or with failurePolicy Ignore let in without. Look at: kubectl -n ${namespace} get pods,endpointslices`,
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
          `The certificate in Secret ${namespace}/${certificate.secretName} does not verify by what the webhooks trust.`,
          certificate.isOperatorMade
            ? `The leading operator makes it and publishes the caBundle within seconds; if it does not, ${lookAtLog(namespace)}`
            : 'See that the Secret and the caBundle are of the same authority; the chart takes both (webhook.certificate).',
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
          ? `The operator makes and renews it; ${lookAtLog(namespace)}. Deleting Secret ${secretName} has it made anew.`
          : `Renew what is in Secret ${namespace}/${secretName}; the operator takes it up by itself.`;
        // An authority in the chain that expires takes the certificate with it.
        const [first] = readBundle(chain).toSorted((one, other) => Number(one.validToDate) - Number(other.validToDate));
        if (!first) return failed(`Secret ${namespace}/${secretName} is not there, or holds no certificate.`, { hint });
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
