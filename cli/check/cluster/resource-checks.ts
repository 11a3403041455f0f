import { credentialsSecretName } from '../../../operator/credentials.ts';
import { isMember } from '../../../operator/membership.ts';
import { type CheckGroup, failed, failedIfAny, makeCheckFactory, ok, warning } from '../check.ts';
import { hintFor, listFalse, listFormerDefaults, listMissingLimits, listNotReady, listWaiting } from '../resources.ts';
import type { ClusterFacts } from './facts.ts';

const check = makeCheckFactory<ClusterFacts>();

/** The check that every resource of a kind is Ready. */
function makeReadyCheck(from: 'personas' | 'bindings' | 'analysisConfigs', id: string, plural: string) {
  return check({
    id,
    description: `every ${plural.slice(0, -1)} is Ready`,
    from: [from],
    decide: (facts) => {
      const resources = facts[from];
      return failedIfAny(
        listNotReady(resources),
        `${plural} are not in force:`,
        hintFor(resources, `Do what the message says. More by: kubectl describe ${plural.toLowerCase()} -A`),
        String(resources.length),
      );
    },
  });
}

export const resourceChecks: CheckGroup<ClusterFacts> = {
  name: 'chaperone-resources',
  checks: [
    check({
      id: 'database-available',
      description: 'the operator can use the database',
      from: ['organizations', 'personas', 'bindings', 'analysisConfigs', 'namespace'],
      decide: ({ organizations, personas, bindings, analysisConfigs, namespace }) =>
        failedIfAny(
          listWaiting([...organizations, ...personas, ...bindings, ...analysisConfigs]),
          'The database is away. Calls go on; what has changed is not in force before it is back:',
          `Have it run again, or see why the operator does not reach it; it tries every other second. Look at: kubectl -n ${namespace} get pods; kubectl -n ${namespace} logs -l app.kubernetes.io/component=operator`,
        ),
    }),
    check({
      id: 'organizations-ready',
      description: 'every Organization is Ready',
      from: ['organizations'],
      decide: ({ organizations }) => {
        if (organizations.length === 0) {
          return warning('There is no Organization, so nothing is governed.', {
            hint: 'Apply one; examples/quickstart is a start.',
          });
        }
        return failedIfAny(
          listNotReady(organizations),
          'Organizations are not enforced:',
          hintFor(organizations, 'Do what the message says. More by: kubectl describe organizations'),
          String(organizations.length),
        );
      },
    }),
    check({
      id: 'database-ready',
      description: 'the database has every Organization',
      from: ['organizations', 'namespace'],
      decide: ({ organizations, namespace }) =>
        failedIfAny(
          organizations.flatMap(({ metadata, status }) => {
            const condition = status?.conditions?.find(({ type }) => type === 'DatabaseReady');
            if (condition?.status === 'True') return [];
            return `${metadata.name}: ${condition ? `${condition.reason}: ${condition.message}` : 'the operator has not stored it yet'}`;
          }),
          'The operator could not store:',
          `Look whether the operator reaches its database: kubectl -n ${namespace} logs -l app.kubernetes.io/component=operator`,
        ),
    }),
    check({
      id: 'database-limits',
      description: 'no organization can take the database from others',
      from: ['organizations'],
      decide: ({ organizations }) => {
        const missing = listMissingLimits(organizations);
        if (missing.length === 0) return ok();
        return warning('Limits of the database are missing:', {
          items: missing,
          hint: 'Do what the message says; docs/security.md has the limits in a table.',
        });
      },
    }),
    check({
      id: 'defaults-stated',
      description: 'no former default still holds',
      from: ['organizations', 'bindings'],
      decide: ({ organizations, bindings }) => {
        const former = listFormerDefaults([...organizations, ...bindings]);
        if (former.length === 0) return ok();
        return warning('These are older than a default that has become stricter, and keep the former one:', {
          items: former,
          hint: 'State the fields that the message names; docs/security.md says what the defaults are.',
        });
      },
    }),
    check({
      id: 'namespaces-exclusive',
      description: 'every namespace is selected by one Organization at most',
      from: ['organizations'],
      decide: ({ organizations }) => {
        const overlaps = listFalse(organizations, 'NamespacesExclusive');
        if (overlaps.length === 0) return ok();
        return warning('Organizations select the same namespaces, or those of the system:', {
          items: overlaps,
          hint: 'The oldest Organization has them. Change a spec.namespaceSelector, or the labels of the namespaces.',
        });
      },
    }),
    check({
      id: 'credentials',
      description: 'every member namespace has its credentials',
      from: ['organizations', 'namespaces', 'organizationSecrets', 'namespace'],
      decide: ({ organizations, namespaces, organizationSecrets, namespace }) => {
        const has = (member: string, name: string) =>
          organizationSecrets.some(({ metadata }) => metadata.namespace === member && metadata.name === name);
        const members = organizations
          .filter(({ metadata }) => !metadata.deletionTimestamp)
          .flatMap((organization) =>
            namespaces
              .filter((one) => isMember(organizations, organization, one.metadata, namespace))
              .filter(({ metadata }) => !metadata.deletionTimestamp)
              .map(({ metadata }) => ({
                namespace: metadata.name,
                secret: credentialsSecretName(organization.metadata.name),
              })),
          );
        if (organizations.length > 0 && members.length === 0) {
          return warning("No namespace's labels match an Organization's namespaceSelector.", {
            hint: 'Label the namespaces that are to be governed, or correct spec.namespaceSelector.',
          });
        }
        const missing = members.filter(({ namespace, secret }) => !has(namespace, secret));
        if (missing.length === 0) return ok(`${members.length}`);
        return failed('Sidecars cannot start where the credentials are missing:', {
          items: missing.map(({ namespace, secret }) => `namespace ${namespace}: there is no Secret ${secret}`),
          hint: 'The operator makes it within seconds; if it does not: kubectl describe organizations',
        });
      },
    }),
    makeReadyCheck('bindings', 'bindings-ready', 'ApiKeyBindings'),
    makeReadyCheck('personas', 'personas-ready', 'Personas'),
    makeReadyCheck('analysisConfigs', 'analysis-configs-ready', 'AnalysisConfigs'),
  ],
};
