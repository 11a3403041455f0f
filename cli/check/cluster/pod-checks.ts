import type { ApiKeyBinding, Organization } from '../../../crds/resources.generated.ts';
import { syntheticKeySecretName } from '../../../operator/credentials.ts';
import { currentSidecar } from '../../../operator/injection/current.ts';
import { decideInjection } from '../../../operator/injection/decide.ts';
import { lacksKey } from '../../../operator/injection/environment.ts';
import { hashAnnotation, sidecarName } from '../../../operator/injection/marks.ts';
import { otherContainersOf } from '../../../operator/injection/obstacle.ts';
import type { PodNamespace } from '../../../operator/injection/pod.ts';
import { type InjectionSettings, readPodSettings } from '../../../operator/injection/settings.ts';
import { type CheckGroup, failed, failedIfAny, makeCheckFactory, ok, unknown, warning } from '../check.ts';
import { listFalse } from '../resources.ts';
import type { ClusterFacts, ClusterPod } from './facts.ts';
import { injectionSettingsOf } from './injection-settings.ts';
import type { MetaOnly } from './objects.ts';
import { versionOf } from './operator-checks.ts';

const check = makeCheckFactory<ClusterFacts>();

export const podChecks: CheckGroup<ClusterFacts> = {
  name: 'chaperone-pods',
  checks: [
    check({
      id: 'pods-governed',
      description: 'every pod that asked for a sidecar has one',
      from: ['pods', 'namespaces', 'namespace'],
      decide: ({ pods, namespaces, namespace }) => {
        const settings = injectionSettingsOf([], namespace);
        const lacking = pods.filter((pod) => isRunning(pod) && !hasSidecar(pod));
        const judged = lacking.map((pod) => ({ pod, skipped: whySkipped(pod, namespaces, settings) }));
        const ungoverned = judged.flatMap(({ pod, skipped }) => (skipped === undefined ? [pathOf(pod)] : []));
        if (ungoverned.length > 0) {
          return failedIfAny(
            ungoverned,
            'Pods run UNGOVERNED: they asked for a sidecar and have none.',
            'They were created before the label, or while the webhook was down. Have them made anew: kubectl rollout restart, or delete them.',
          );
        }
        const skipped = judged.flatMap((entry) => (entry.skipped ? `${pathOf(entry.pod)}: ${entry.skipped}` : []));
        if (skipped.length === 0) return ok();
        return warning('Pods asked for a sidecar and cannot have one:', {
          items: skipped,
          hint: 'Their calls are not governed. Change the pods, or take the label away.',
        });
      },
    }),
    check({
      id: 'pods-admitted',
      description: 'no pod is refused',
      from: ['refusals'],
      decide: ({ refusals }) =>
        failedIfAny(
          refusals.map(({ kind, namespace, name, message }) => `${kind} ${namespace}/${name}: ${message}`),
          'Pods are missing, since Chaperone does not let them in:',
          'Do what the message says; their controllers try again by themselves, after 16 minutes at most.',
        ),
    }),
    check({
      id: 'sidecars-ready',
      description: "every pod's sidecar is ready",
      from: ['pods'],
      decide: ({ pods }) => {
        const injected = pods.filter((pod) => isRunning(pod) && hasSidecar(pod));
        return failedIfAny(
          injected.flatMap((pod) => {
            const why = whySidecarNotReady(pod);
            return why === undefined ? [] : `${pathOf(pod)}: ${why}`;
          }),
          'Pods wait for their sidecars, or cannot call:',
          `Look at: kubectl -n NAMESPACE logs POD -c ${sidecarName}; kubectl -n NAMESPACE describe pod POD`,
          String(injected.length),
        );
      },
    }),
    check({
      id: 'pods-keyed',
      description: 'every pod with a sidecar has a key to call with',
      from: ['pods', 'namespace', 'bindings'],
      decide: ({ pods, namespace, bindings }) => {
        const dead = pods
          .filter((pod) => isRunning(pod) && hasSidecar(pod))
          .flatMap((pod) => listDeadKeys(pod, bindings));
        if (dead.length > 0) {
          return failed('Pods call with a key that is refused:', {
            items: dead,
            hint: 'Containers have a key from their start on. Have them made anew: kubectl rollout restart',
          });
        }
        const settings = injectionSettingsOf([], namespace);
        const keyless = pods.filter((pod) => {
          const own = readPodSettings(settings, pod.metadata.annotations);
          const isKeyless = typeof own !== 'string' && otherContainersOf(pod).some((one) => lacksKey(one, own));
          return isRunning(pod) && hasSidecar(pod) && isKeyless;
        });
        if (keyless.length === 0) return ok();
        return warning(
          'Pods are led to their sidecar and have no OPENAI_API_KEY: an SDK says that credentials are missing.',
          {
            items: keyless.map(pathOf),
            hint: 'There was no usable ApiKeyBinding when they were created. See to one (kubectl get apikeybindings -A), then: kubectl rollout restart. An application that takes a token from elsewhere needs none.',
          },
        );
      },
    }),
    check({
      id: 'pods-belong',
      description: 'every pod with a sidecar belongs to an Organization',
      from: ['pods', 'namespaces', 'organizations', 'namespace'],
      decide: ({ pods, namespaces, organizations, namespace }) => {
        const settings = injectionSettingsOf([], namespace);
        return failedIfAny(
          pods.flatMap((pod) => {
            if (!isRunning(pod) || !hasSidecar(pod)) return [];
            const current = currentSidecar(pod.metadata, findNamespace(namespaces, pod), organizations, settings);
            return 'action' in current ? `${pathOf(pod)}: ${current.message} (${current.reason})` : [];
          }),
          'Calls of these pods are refused, or will be, and no new pod would be let in in their place:',
          'Do what the message says; do not restart them before. Their keys work again once the namespace belongs to the Organization again.',
        );
      },
    }),
    check({
      id: 'sidecars-current',
      description: "every pod's sidecar is what new pods get",
      from: ['pods', 'namespaces', 'organizations', 'deployments', 'namespace', 'ownVersion'],
      decide: ({ pods, namespaces, organizations, deployments, namespace, ownVersion }) => {
        // Without one, a workload that is restarted gets no sidecar, or no pods.
        if (deployments.length === 0) return unknown('there is no operator');
        const told = listFalse(organizations, 'SidecarsCurrent');
        if (deployments.some((deployment) => versionOf(deployment) !== ownVersion)) {
          // What it gives new pods is for itself to tell.
          if (told.length > 0) return warning('By what the operator tells:', { items: told, hint: restartHint });
          return organizations.every((one) => hasCondition(one, 'SidecarsCurrent'))
            ? ok('by what the operator tells')
            : unknown('the operator is of another version, and has not told');
        }
        const settings = injectionSettingsOf(deployments, namespace);
        const injected = pods.filter((pod) => isRunning(pod) && hasSidecar(pod));
        const judged = injected.map((pod) => ({
          pod,
          current: currentSidecar(pod.metadata, findNamespace(namespaces, pod), organizations, settings),
        }));
        const outdated = judged.filter(
          ({ pod, current }) => !('action' in current) && pod.metadata.annotations?.[hashAnnotation] !== current.hash,
        );
        const stuck = listFalse(organizations, 'SidecarsCurrent', ['RolloutStuck', 'RolloutForbidden']);
        if (outdated.length === 0 && stuck.length === 0) return ok();
        return warning('Pods have another sidecar than they would get now:', {
          items: [...outdated.map(({ pod }) => pathOf(pod)), ...stuck],
          hint: restartHint,
        });
      },
    }),
  ],
};

const restartHint = 'They work on as they are. Bring them up to date: kubectl rollout restart';

function hasCondition({ status }: Organization, type: string): boolean {
  return status?.conditions?.some((condition) => condition.type === type) ?? false;
}

/** Containers whose synthetic key has been replaced since they started, or is handed out no more. */
function listDeadKeys(pod: ClusterPod, bindings: readonly ApiKeyBinding[]): string[] {
  return otherContainersOf(pod).flatMap(({ name, env = [] }) => {
    const reference = env.find((variable) => variable.name === 'OPENAI_API_KEY')?.valueFrom?.secretKeyRef;
    const suffix = syntheticKeySecretName('');
    if (!reference?.name?.endsWith(suffix)) return [];
    const bindingName = reference.name.slice(0, -suffix.length);
    const binding = bindings.find(
      ({ metadata }) => metadata.namespace === pod.metadata.namespace && metadata.name === bindingName,
    );
    const container = `${pathOf(pod)}, container ${name}`;
    if (!binding) return [`${container}: its key was of ApiKeyBinding ${bindingName}, which is gone`];
    const started = pod.status?.containerStatuses?.find((status) => status.name === name)?.state?.running?.startedAt;
    const issued = binding.status?.syntheticKeyIssuedAt;
    const isOlder = started !== undefined && issued !== undefined && Date.parse(started) < Date.parse(issued);
    return isOlder ? [`${container}: it started before the key in Secret ${reference.name} was replaced`] : [];
  });
}

export function pathOf({ metadata }: ClusterPod): string {
  return `${metadata.namespace}/${metadata.name}`;
}

/** Neither done nor on its way out. */
export function isRunning({ metadata, status }: ClusterPod): boolean {
  return !metadata.deletionTimestamp && status?.phase !== 'Succeeded' && status?.phase !== 'Failed';
}

function hasSidecar({ metadata, spec }: ClusterPod): boolean {
  const sidecar = spec.initContainers?.find(({ name }) => name === sidecarName);
  return sidecar?.restartPolicy === 'Always' && metadata.annotations?.[hashAnnotation] !== undefined;
}

function whySkipped(pod: ClusterPod, namespaces: readonly MetaOnly[], settings: InjectionSettings): string | undefined {
  const namespace = findNamespace(namespaces, pod);
  const decision = decideInjection({ pod, namespace, organizations: [], bindings: [] }, settings);
  if (decision.action !== 'skip') return undefined;
  // Who never asked, or took it back, is not missing anything.
  return decision.reason === 'NotRequested' || decision.reason === 'OptedOut' ? '' : decision.message;
}

function findNamespace(namespaces: readonly MetaOnly[], { metadata }: ClusterPod): PodNamespace {
  return (
    namespaces.find((namespace) => namespace.metadata.name === metadata.namespace)?.metadata ?? {
      name: metadata.namespace,
    }
  );
}

function whySidecarNotReady({ status }: ClusterPod): string | undefined {
  const sidecar = status?.initContainerStatuses?.find(({ name }) => name === sidecarName);
  if (sidecar?.ready) return undefined;
  const waiting = sidecar?.state?.waiting;
  if (waiting?.reason) return [waiting.reason, waiting.message].filter(Boolean).join(': ');
  const restarts = sidecar?.restartCount ?? 0;
  return restarts > 0 ? `not ready, restarted ${restarts} times` : 'not ready yet';
}
