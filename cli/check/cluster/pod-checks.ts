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
            'They were created before the label, or while the webhook was down. Replace them: kubectl rollout restart, or delete them.',
          );
        }
        const skipped = judged.flatMap((entry) => (entry.skipped ? `${pathOf(entry.pod)}: ${entry.skipped}` : []));
        if (skipped.length === 0) return ok();
        return warning('Pods asked for a sidecar, but cannot have one:', {
          items: skipped,
          hint: 'Their calls are not governed. Change the pods, or remove the label.',
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
          'Pods are missing, since Chaperone refuses them:',
          'Do what the message says. Their controllers retry by themselves, after 16 minutes at most.',
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
          'The sidecars of these pods are not ready, so the pods wait or cannot call:',
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
            hint: 'A container gets its key when it starts. Replace the pods: kubectl rollout restart',
          });
        }
        const settings = injectionSettingsOf([], namespace);
        const keyless = pods.filter((pod) => {
          const own = readPodSettings(settings, pod.metadata.annotations);
          const isKeyless = typeof own !== 'string' && otherContainersOf(pod).some((one) => lacksKey(one, own));
          return isRunning(pod) && hasSidecar(pod) && isKeyless;
        });
        if (keyless.length === 0) return ok();
        return warning('Pods have a sidecar, but no OPENAI_API_KEY, so an SDK reports missing credentials.', {
          items: keyless.map(pathOf),
          hint: 'When they were created, no ApiKeyBinding for them was Ready. Make one Ready (kubectl get apikeybindings -A), then run: kubectl rollout restart. An application with a token of its own needs no key.',
        });
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
          'Calls of these pods are refused, or soon will be, and their replacements would be refused:',
          'Do what the message says before you restart them. Their keys work again when the namespace belongs to the Organization again.',
        );
      },
    }),
    check({
      id: 'sidecars-current',
      description: "every pod's sidecar is the one that new pods get",
      from: ['pods', 'namespaces', 'organizations', 'deployments', 'namespace', 'ownVersion'],
      decide: ({ pods, namespaces, organizations, deployments, namespace, ownVersion }) => {
        // Without an operator, the pods of a restarted workload get no sidecar or are refused.
        if (deployments.length === 0) return unknown('there is no operator');
        const told = listFalse(organizations, 'SidecarsCurrent');
        if (deployments.some((deployment) => versionOf(deployment) !== ownVersion)) {
          // Only the operator knows what its version gives new pods.
          if (told.length > 0) return warning('The operator reports:', { items: told, hint: restartHint });
          return organizations.every((one) => hasCondition(one, 'SidecarsCurrent'))
            ? ok('the operator reports so')
            : unknown('the operator is of another version, and has not reported it');
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
        return warning('Pods have an outdated sidecar:', {
          items: [...outdated.map(({ pod }) => pathOf(pod)), ...stuck],
          hint: restartHint,
        });
      },
    }),
  ],
};

const restartHint = 'They keep working. To bring them up to date: kubectl rollout restart';

function hasCondition({ status }: Organization, type: string): boolean {
  return status?.conditions?.some((condition) => condition.type === type) ?? false;
}

/** Lists containers whose synthetic key was replaced after they started, or no longer exists. */
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
    if (!binding) return [`${container}: ApiKeyBinding ${bindingName}, which issued its key, is deleted`];
    const started = pod.status?.containerStatuses?.find((status) => status.name === name)?.state?.running?.startedAt;
    const issued = binding.status?.syntheticKeyIssuedAt;
    const isOlder = started !== undefined && issued !== undefined && Date.parse(started) < Date.parse(issued);
    return isOlder ? [`${container}: the key in Secret ${reference.name} was replaced after it started`] : [];
  });
}

export function pathOf({ metadata }: ClusterPod): string {
  return `${metadata.namespace}/${metadata.name}`;
}

/** Whether a pod has neither ended nor is being deleted. */
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
  // A pod that did not ask for a sidecar, or opted out, lacks nothing.
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
