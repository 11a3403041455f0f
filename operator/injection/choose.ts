import type { ApiKeyBinding, Organization } from '../../crds/resources.generated.ts';
import { organizationsOf, whyNotMember } from '../membership.ts';
import { failureReason, outageReason } from '../runtime/conditions.ts';
import type { SyntheticKey } from './environment.ts';
import { settingAnnotations } from './marks.ts';
import type { PodNamespace } from './pod.ts';
import type { PodSettings } from './settings.ts';

/** Why a pod must not be created: it would run ungoverned, or not at all. */
export interface Refusal {
  readonly action: 'refuse';
  /** One word for programs, CamelCase. */
  readonly reason: string;
  /** What is wrong and what to do, for people. */
  readonly message: string;
}

const refuse = (reason: string, message: string): Refusal => ({ action: 'refuse', reason, message });

/** Chooses the organization of a pod: the one that the pod names, else the oldest that its namespace belongs to. */
export function chooseOrganization(
  organizations: readonly Organization[],
  namespace: PodNamespace,
  { organization: asked, operatorNamespace }: Pick<PodSettings, 'organization' | 'operatorNamespace'>,
): { readonly name: string } | Refusal {
  const members = organizationsOf(organizations, namespace, operatorNamespace);
  const chosen = asked === undefined ? members[0] : members.find(({ metadata }) => metadata.name === asked);
  if (asked !== undefined && !chosen) {
    const annotation = `Annotation ${settingAnnotations.organization} names Organization "${asked}"`;
    const named = organizations.find(({ metadata }) => metadata.name === asked && !metadata.deletionTimestamp);
    return named
      ? refuse(
          'NamespaceNotMember',
          `${annotation}, to which namespace "${namespace.name}" does not belong: ${whyNotMember(organizations, named, namespace, operatorNamespace)}`,
        )
      : refuse('OrganizationNotFound', `${annotation}, which does not exist; create it or correct the annotation.`);
  }
  if (!chosen) {
    return refuse(
      'NoOrganization',
      `Namespace "${namespace.name}" belongs to no Organization; label it so that an Organization's namespaceSelector matches.`,
    );
  }
  const { name } = chosen.metadata;
  // Only namespaces in the status have the credentials Secret; without it the pod could not start.
  if (!chosen.status?.id || !chosen.status.memberNamespaces?.includes(namespace.name)) {
    return refuse(
      'OrganizationNotReady',
      `Organization "${name}" is not set up in namespace "${namespace.name}" yet. That follows by itself, so try again. If it does not, see: kubectl describe organization ${name}`,
    );
  }
  return { name };
}

/** Chooses the binding whose synthetic key the pod's application gets, if any. */
export function chooseBinding(
  bindings: readonly ApiKeyBinding[],
  organization: string,
  { binding: asked, setsEnvironment }: PodSettings,
): { readonly key: SyntheticKey | undefined; readonly warnings: readonly string[] } | Refusal {
  if (!setsEnvironment) return { key: undefined, warnings: [] };
  const own = bindings.filter(({ spec }) => spec.organizationRef.name === organization);
  if (asked !== undefined) return findAsked(own, asked, organization);
  // A key that is bound to a user makes every call that user's, so a pod gets such a key only where it names the
  // binding.
  const usable = own
    .filter(({ spec }) => spec.user === undefined && spec.active)
    .sort((one, other) => (one.metadata.name < other.metadata.name ? -1 : 1))
    .find(isReady);
  if (usable) return { key: keyOf(usable), warnings: [] };
  const warning = `namespace has no ready ApiKeyBinding of Organization "${organization}" for all users, so OPENAI_API_KEY is not set; name a binding with the annotation ${settingAnnotations.binding}, or have the application use a token`;
  return { key: undefined, warnings: [warning] };
}

function findAsked(own: readonly ApiKeyBinding[], asked: string, organization: string) {
  const binding = own.find(({ metadata }) => metadata.name === asked);
  const annotation = `Annotation ${settingAnnotations.binding} names ApiKeyBinding "${asked}"`;
  if (!binding) {
    return refuse(
      'BindingNotFound',
      `${annotation}, which Organization "${organization}" does not have in this namespace; create it or correct the annotation.`,
    );
  }
  if (!isReady(binding)) {
    const why = binding.status?.conditions?.find(({ type }) => type === 'Ready')?.message;
    return refuse('BindingNotReady', `${annotation}, which is not ready${why ? `: ${why}` : ' yet; try again.'}`);
  }
  return { key: keyOf(binding), warnings: [] };
}

function isReady({ status }: ApiKeyBinding): boolean {
  const condition = status?.conditions?.find(({ type }) => type === 'Ready');
  // While it cannot be reconciled proxies go on with what they have, this key among it.
  const isInForce = condition?.status === 'True' || [outageReason, failureReason].includes(condition?.reason ?? '');
  return isInForce && status?.secretName !== undefined;
}

function keyOf({ status }: ApiKeyBinding): SyntheticKey | undefined {
  return status?.secretName === undefined ? undefined : { secretName: status.secretName };
}
