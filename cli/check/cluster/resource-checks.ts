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
        hintFor(resources, `Do what the message says. More by: kubectl describe ${plural.toLowerCase()} -A`),
        countReady(resources),
      );
    },
  });
}

/** @param from whose word is taken: the operator's database is seen by the operator alone */
function makeDatabaseCheck<Name extends ResourceFacts>(from: readonly Name[]): Check<ClusterFacts> {
  return check({
    id: 'database-available',
    description: 'the operator can use the database',
    from: [...from, 'namespace'],
    decide: (facts) => {
      const resources = from.flatMap((name): readonly ClusterFacts[Name][number][] => facts[name]);
      if (resources.length === 0) return unknown('there is no resource that would tell');
      return failedIfAny(
        listWaiting(resources),
        'The database is away. Calls go on; what has changed is not in force before it is back:',
        `Have it run again, or see why the operator does not reach it; it tries every other second. Look at: kubectl -n ${facts.namespace} get pods; kubectl -n ${facts.namespace} logs -l app.kubernetes.io/component=operator`,
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
        'Calls by these keys end soon:',
        'Renew the key and spec.expiresAt.',
      ),
  }),
  makeReadyCheck('personas', 'personas-ready', 'Personas'),
  makeReadyCheck('analysisConfigs', 'analysis-configs-ready', 'AnalysisConfigs'),
];

/** Of one namespace, for who may look into no other. */
export const namespaceChecks: CheckGroup<ClusterFacts> = {
  name: 'chaperone-namespace',
  checks: [
    check({
      id: 'namespace-member',
      description: 'the namespace has the credentials of an Organization',
      from: ['scope', 'namespaces', 'organizationSecrets'],
      decide: ({ scope = '', namespaces, organizationSecrets }) => {
        if (namespaces.length === 0) {
          return failed(`There is no namespace "${scope}".`, { hint: 'Name one that is there: --in NAMESPACE' });
        }
        if (organizationSecrets === undefined) return unknown(`you may not list secrets in namespace ${scope}`);
        const credentials = organizationSecrets.filter(({ metadata: { name, labels } }) => {
          const organization = labels?.['chaperone.dev/organization'] ?? '';
          return name === credentialsSecretName(organization);
        });
        if (credentials.length === 0) {
          return failed('It belongs to no Organization, or to one that is not set up: sidecars cannot start.', {
            hint: `Ask who administers Organizations which label it takes: kubectl label namespace ${scope} KEY=VALUE`,
          });
        }
        return failedIfAny(
          credentials.flatMap((secret) => whatSecretLacks(secret, filesOfProxies)),
          'Sidecars cannot start with these credentials:',
          'The operator puts them right within seconds; if it does not, tell who administers it.',
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
      id: 'organizations-keyed',
      description: 'every Organization has a key to call with',
      from: ['organizations', 'bindings'],
      decide: ({ organizations, bindings }) =>
        warningIfAny(
          listKeyless(organizations, bindings),
          'Calls of these Organizations are refused, since no ApiKeyBinding of theirs is in force:',
          'See to their bindings: kubectl get apikeybindings -A',
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
          `Look whether the operator reaches its database: kubectl -n ${namespace} logs -l app.kubernetes.io/component=operator`,
        ),
    }),
    check({
      id: 'database-limits',
      description: 'no organization can take the database from others',
      from: ['organizations'],
      decide: ({ organizations }) =>
        warningIfAny(
          listMissingLimits(organizations),
          'Limits of the database are missing:',
          'Do what the message says; docs/security.md has the limits in a table.',
        ),
    }),
    check({
      id: 'defaults-stated',
      description: 'no former default still holds',
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
          'These are older than a default that has become stricter, and keep the former one:',
          'State the fields that the message names; docs/security.md says what the defaults are.',
        ),
    }),
    check({
      id: 'namespaces-exclusive',
      description: 'every namespace is selected by one Organization at most',
      from: ['organizations'],
      decide: ({ organizations }) =>
        warningIfAny(
          listFalse(organizations, 'NamespacesExclusive'),
          'Organizations select the same namespaces, or those of the system:',
          'The oldest Organization has them. Change a spec.namespaceSelector, or the labels of the namespaces.',
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
                isToldOf: organization.status?.memberNamespaces?.includes(metadata.name) ?? false,
              })),
          );
        if (organizations.length > 0 && members.length === 0) {
          return warning("No namespace's labels match an Organization's namespaceSelector.", {
            hint: 'Label the namespaces that are to be governed, or correct spec.namespaceSelector.',
          });
        }
        const wrong = members.flatMap(({ member, organization, isToldOf }) => {
          const name = credentialsSecretName(organization);
          if (organizationSecrets === undefined) {
            return isToldOf ? [] : [`namespace ${member}: the operator tells of no Secret ${name} there`];
          }
          const secret = organizationSecrets.find(
            ({ metadata }) => metadata.namespace === member && metadata.name === name,
          );
          if (!secret) return [`namespace ${member}: there is no Secret ${name}`];
          return secret.metadata.labels?.['chaperone.dev/organization'] === organization
            ? whatSecretLacks(secret, filesOfProxies)
            : [`namespace ${member}: Secret ${name} is not this Organization's`];
        });
        return failedIfAny(
          wrong,
          'Sidecars cannot start where the credentials are missing:',
          'The operator makes it within seconds; if it does not: kubectl describe organizations',
          organizationSecrets === undefined ? `${members.length}, by what the operator tells` : `${members.length}`,
        );
      },
    }),
    ...tenantChecks,
  ],
};
