import { credentialsSecretName, filesOfProxies } from '../../../operator/credentials.ts';
import { isMember } from '../../../operator/membership.ts';
import {
  type Check,
  type CheckGroup,
  failed,
  failedIfAny,
  makeCheckFactory,
  unknown,
  warning,
  warningIfAny,
} from '../check.ts';
import {
  countReady,
  hintFor,
  listFalse,
  listFormerDefaults,
  listMissingLimits,
  listNotReady,
  listWaiting,
} from '../resources.ts';
import type { ClusterFacts } from './facts.ts';
import { listKeyless, listSoonExpired, whatSecretLacks } from './judge-keys.ts';

const check = makeCheckFactory<ClusterFacts>();

type ResourceFacts = 'organizations' | 'personas' | 'bindings' | 'analysisConfigs';

/** The check that every resource of a kind is Ready. */
function makeReadyCheck(from: Exclude<ResourceFacts, 'organizations'>, id: string, plural: string) {
  return check({
    id,
    description: `every ${plural.slice(0, -1)} is Ready`,
    from: [from],
    decide: (facts) => {
      const resources = facts[from];
      return failedIfAny(
        listNotReady(resources),
        `${plural} are not in force:`,
        hintFor(resources, `Do what the message says. For more: kubectl describe ${plural.toLowerCase()} -A`),
        countReady(resources),
      );
    },
  });
}

/** @param from the kinds whose conditions show it, since only the operator can reach its database */
function makeDatabaseCheck<Name extends ResourceFacts>(from: readonly Name[]): Check<ClusterFacts> {
  return check({
    id: 'database-available',
    description: 'the operator can use the database',
    from: [...from, 'namespace'],
    decide: (facts) => {
      const resources = from.flatMap((name): readonly ClusterFacts[Name][number][] => facts[name]);
      if (resources.length === 0) return unknown('there is no resource whose conditions would show it');
      return failedIfAny(
        listWaiting(resources),
        'The operator cannot use the database. Calls go on, but these changes wait for it:',
        `Start the database, or find out why the operator cannot reach it; it tries every two seconds. Look at: kubectl -n ${facts.namespace} get pods; kubectl -n ${facts.namespace} logs -l app.kubernetes.io/component=operator`,
      );
    },
  });
}

const tenantChecks = [
  makeReadyCheck('bindings', 'bindings-ready', 'ApiKeyBindings'),
  check({
    id: 'bindings-lasting',
    description: 'no ApiKeyBinding expires within a week',
    from: ['bindings', 'server'],
    decide: ({ bindings, server: { nowMs } }) =>
      warningIfAny(
        listSoonExpired(bindings, nowMs),
        'Calls with these keys will be refused soon:',
        'Renew the key and spec.expiresAt.',
      ),
  }),
  makeReadyCheck('personas', 'personas-ready', 'Personas'),
  makeReadyCheck('analysisConfigs', 'analysis-configs-ready', 'AnalysisConfigs'),
];

/** The checks of one namespace, for users who may not look into others. */
export const namespaceChecks: CheckGroup<ClusterFacts> = {
  name: 'chaperone-namespace',
  checks: [
    check({
      id: 'namespace-member',
      description: 'the namespace has the credentials of an Organization',
      from: ['scope', 'namespaces', 'organizationSecrets'],
      decide: ({ scope = '', namespaces, organizationSecrets }) => {
        if (namespaces.length === 0) {
          return failed(`There is no namespace "${scope}".`, { hint: 'Name an existing one: --in NAMESPACE' });
        }
        if (organizationSecrets === undefined) return unknown(`you may not list secrets in namespace ${scope}`);
        const credentials = organizationSecrets.filter(({ metadata: { name, labels } }) => {
          const organization = labels?.['chaperone.dev/organization'] ?? '';
          return name === credentialsSecretName(organization);
        });
        if (credentials.length === 0) {
          return failed('It belongs to no Organization, or to one that is not set up, so sidecars cannot start.', {
            hint: `Ask an administrator of Organizations for the right label: kubectl label namespace ${scope} KEY=VALUE`,
          });
        }
        return failedIfAny(
          credentials.flatMap((secret) => whatSecretLacks(secret, filesOfProxies)),
          'Sidecars cannot start with these credentials:',
          'The operator corrects them within seconds. If it does not, tell its administrator.',
          credentials.map(({ metadata }) => metadata.labels?.['chaperone.dev/organization']).join(', '),
        );
      },
    }),
    makeDatabaseCheck(['personas', 'bindings', 'analysisConfigs']),
    ...tenantChecks,
  ],
};

export const resourceChecks: CheckGroup<ClusterFacts> = {
  name: 'chaperone-resources',
  checks: [
    makeDatabaseCheck(['organizations', 'personas', 'bindings', 'analysisConfigs']),
    check({
      id: 'organizations-ready',
      description: 'every Organization is Ready',
      from: ['organizations'],
      decide: ({ organizations }) => {
        if (organizations.length === 0) {
          return warning('There is no Organization, so nothing is governed.', {
            hint: 'Apply one, such as that in examples/quickstart.',
          });
        }
        return failedIfAny(
          listNotReady(organizations),
          'Organizations are not in force:',
          hintFor(organizations, 'Do what the message says. For more: kubectl describe organizations'),
          String(organizations.length),
        );
      },
    }),
    check({
      id: 'organizations-keyed',
      description: 'every Organization has a key to call with',
      from: ['organizations', 'bindings'],
      decide: ({ organizations, bindings }) =>
        warningIfAny(
          listKeyless(organizations, bindings),
          'Calls of these Organizations are refused, since none of their ApiKeyBindings is in force:',
          'Make one of their bindings Ready: kubectl get apikeybindings -A',
        ),
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
          `See in its log whether it reaches the database: kubectl -n ${namespace} logs -l app.kubernetes.io/component=operator`,
        ),
    }),
    check({
      id: 'database-limits',
      description: 'no organization can take the database from others',
      from: ['organizations'],
      decide: ({ organizations }) =>
        warningIfAny(
          listMissingLimits(organizations),
          'These Organizations lack limits in the database:',
          'Do what the message says. docs/security.md has a table of the limits.',
        ),
    }),
    check({
      id: 'defaults-stated',
      description: 'no object relies on a former default',
      from: ['organizations', 'personas', 'bindings', 'analysisConfigs'],
      decide: ({ organizations, personas, bindings, analysisConfigs }) =>
        warningIfAny(
          [
            ...listFormerDefaults([...organizations, ...bindings]),
            ...listFalse(organizations, 'SharingDeclared'),
            ...listFalse([...personas, ...bindings, ...analysisConfigs], 'Consent', [
              'SharingUndeclared',
              'WillCompete',
            ]),
          ],
          'A default has become stricter. These objects are older, and keep the former one:',
          'Set the fields that the message names. docs/security.md describes the defaults.',
        ),
    }),
    check({
      id: 'namespaces-exclusive',
      description: 'every namespace is selected by one Organization at most',
      from: ['organizations'],
      decide: ({ organizations }) =>
        warningIfAny(
          listFalse(organizations, 'NamespacesExclusive'),
          'Organizations select the same namespaces, or system namespaces:',
          'A namespace belongs to the oldest of them, and a system namespace to none. Change a spec.namespaceSelector, or the labels of the namespaces.',
        ),
    }),
    check({
      id: 'credentials',
      description: 'every member namespace has its credentials',
      from: ['organizations', 'namespaces', 'organizationSecrets', 'namespace'],
      decide: ({ organizations, namespaces, organizationSecrets, namespace }) => {
        const members = organizations
          .filter(({ metadata }) => !metadata.deletionTimestamp)
          .flatMap((organization) =>
            namespaces
              .filter((one) => isMember(organizations, organization, one.metadata, namespace))
              .filter(({ metadata }) => !metadata.deletionTimestamp)
              .map(({ metadata }) => ({
                member: metadata.name,
                organization: organization.metadata.name,
                isReported: organization.status?.memberNamespaces?.includes(metadata.name) ?? false,
              })),
          );
        if (organizations.length > 0 && members.length === 0) {
          return warning("No namespace's labels match an Organization's namespaceSelector.", {
            hint: 'Label the namespaces that you want to govern, or correct spec.namespaceSelector.',
          });
        }
        const wrong = members.flatMap(({ member, organization, isReported }) => {
          const name = credentialsSecretName(organization);
          if (organizationSecrets === undefined) {
            return isReported ? [] : [`namespace ${member}: the operator reports no Secret ${name}`];
          }
          const secret = organizationSecrets.find(
            ({ metadata }) => metadata.namespace === member && metadata.name === name,
          );
          if (!secret) return [`namespace ${member}: there is no Secret ${name}`];
          return secret.metadata.labels?.['chaperone.dev/organization'] === organization
            ? whatSecretLacks(secret, filesOfProxies)
            : [`namespace ${member}: Secret ${name} does not belong to this Organization`];
        });
        return failedIfAny(
          wrong,
          'Sidecars cannot start without these credentials:',
          'The operator makes them within seconds. If it does not, see: kubectl describe organizations',
          organizationSecrets === undefined ? `${members.length}, as the operator reports` : `${members.length}`,
        );
      },
    }),
    ...tenantChecks,
  ],
};
