import type { ApiKeyBinding, Organization } from '../../../crds/resources.generated.ts';
import type { GatheredPod } from '../../../operator/injection/decide.ts';
import type { PatchOperation } from '../../../operator/injection/patch.ts';
import type { Pod } from '../../../operator/injection/pod.ts';
import { defaultSidecar, type InjectionSettings } from '../../../operator/injection/settings.ts';

export const settings: InjectionSettings = {
  ...defaultSidecar,
  operatorNamespace: 'chaperone-system',
  image: 'chaperone:test',
};

const assigned = { uid: 'uid', generation: 1, creationTimestamp: '2026-01-01T00:00:00Z' };

/** An Organization to which the namespaces with the label `team: <name>` belong, and which has been set up in `shop`. */
export function organization(name: string, change: { readonly memberNamespaces?: string[] } = {}): Organization {
  const { memberNamespaces = ['shop'] } = change;
  return {
    apiVersion: 'chaperone.dev/v1alpha1',
    kind: 'Organization',
    metadata: { ...assigned, name },
    spec: {
      namespaceSelector: { matchExpressions: [{ key: 'team', operator: 'In', values: [name, 'everyone'] }] },
      authentication: { tokenLifetime: '1h', leeway: '30s', requireUser: true, defaultRoles: ['admin'] },
      providers: [{ name: 'openai', type: 'openai', timeouts: { headers: '1s', idle: '1s' } }],
      sessions: { idleTimeout: '30m' },
      storage: { contents: 'Full', analysisLifetime: '720h' },
      deletionPolicy: 'Retain',
    },
    status: { id: '00000000-0000-4000-8000-000000000000', memberNamespaces },
  };
}

/** A binding of Organization acme in namespace `shop`. */
export function binding(
  name: string,
  change: {
    readonly user?: string;
    readonly organization?: string;
    readonly isReady?: boolean;
    readonly active?: boolean;
  } = {},
): ApiKeyBinding {
  const { user, organization: owner = 'acme', isReady = true, active = true } = change;
  const ready = {
    type: 'Ready',
    status: isReady ? ('True' as const) : ('False' as const),
    lastTransitionTime: '2026-01-01T00:00:00Z',
    reason: isReady ? 'Ready' : 'SecretNotFound',
    message: isReady ? 'The key is in force.' : 'Secret "openai" is not there.',
  };
  return {
    apiVersion: 'chaperone.dev/v1alpha1',
    kind: 'ApiKeyBinding',
    metadata: { ...assigned, name, namespace: 'shop' },
    spec: {
      organizationRef: { name: owner },
      provider: 'openai',
      secretKeyRef: { name: 'openai', key: 'key' },
      active,
      ...(user !== undefined && { user }),
    },
    status: { secretName: `${name}-synthetic-key`, conditions: [ready] },
  };
}

export interface PodChange {
  readonly labels?: Record<string, string>;
  readonly annotations?: Record<string, string>;
  readonly spec?: Partial<Pod['spec']>;
  readonly generateName?: string;
}

/** A pod that asks for injection. */
export function pod({ labels, annotations, spec, generateName }: PodChange = {}): Pod {
  return {
    metadata: {
      ...(generateName === undefined ? { name: 'web' } : { generateName }),
      namespace: 'shop',
      labels: labels ?? { 'chaperone.dev/inject': 'true' },
      ...(annotations && { annotations }),
    },
    spec: { containers: [{ name: 'app' }], ...spec },
  };
}

/** Namespace `shop` of Organization acme with a binding, unless told otherwise. */
export function gathered(pod: Pod, change: Partial<Omit<GatheredPod, 'pod'>> = {}): GatheredPod {
  return {
    pod,
    namespace: { name: 'shop', labels: { team: 'acme' } },
    organizations: [organization('acme')],
    bindings: [binding('shared')],
    ...change,
  };
}

/** The pod as the API server has it after a patch: `add` of RFC 6902. */
export function applyPatch(pod: Pod, patch: readonly PatchOperation[]): Pod {
  const patched = structuredClone(pod);
  for (const { path, value } of patch) {
    const steps = path
      .split('/')
      .slice(1)
      .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
    const last = steps.pop() ?? '';
    let place: object = patched;
    for (const step of steps) {
      const next: unknown = Reflect.get(place, step);
      if (typeof next !== 'object' || next === null) throw new Error(`There is no ${path}`);
      place = next;
    }
    if (Array.isArray(place)) place.splice(last === '-' ? place.length : Number(last), 0, structuredClone(value));
    else Reflect.set(place, last, structuredClone(value));
  }
  return patched;
}
