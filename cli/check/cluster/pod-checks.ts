import { currentSidecar } from '../../../operator/injection/current.ts';
import { decideInjection } from '../../../operator/injection/decide.ts';
import { lacksKey } from '../../../operator/injection/environment.ts';
import { hashAnnotation, sidecarName } from '../../../operator/injection/marks.ts';
import { otherContainersOf } from '../../../operator/injection/obstacle.ts';
import type { PodNamespace } from '../../../operator/injection/pod.ts';
import { type InjectionSettings, readPodSettings } from '../../../operator/injection/settings.ts';
import { type CheckGroup, failedIfAny, makeCheckFactory, ok, warning } from '../check.ts';
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
      from: ['pods', 'namespace'],
      decide: ({ pods, namespace }) => {
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
        if (deployments.some((deployment) => versionOf(deployment) !== ownVersion)) {
          return ok('not known: the operator is of another version');
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
        if (outdated.length === 0) return ok();
        return warning('Pods have another sidecar than they would get now:', {
          items: outdated.map(({ pod }) => pathOf(pod)),
          hint: 'They work on as they are. Bring them up to date: kubectl rollout restart',
        });
      },
    }),
  ],
};

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
