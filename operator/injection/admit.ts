import type { Cluster, Namespace } from '../cluster/cluster.ts';
import { type AdmissionAnswer, type AdmissionRequest, parsePod } from './admission-review.ts';
import { decideInjection, type InjectionDecision } from './decide.ts';
import type { RecordPodEvent } from './events.ts';
import { injectLabel } from './marks.ts';
import type { InjectionMetrics } from './metrics.ts';
import type { Pod } from './pod.ts';
import type { InjectionSettings } from './settings.ts';

export interface AdmissionContext {
  readonly cluster: Pick<Cluster, 'get' | 'list' | 'subscribe'>;
  readonly settings: InjectionSettings;
  readonly metrics: InjectionMetrics;
  readonly recordEvent: RecordPodEvent;
}

export type Admit = (request: AdmissionRequest) => Promise<AdmissionAnswer>;

/** How long a namespace that the cache has not heard of is waited for. */
const namespacePatienceMs = 2_000;

/** Gives pods that are to be created their sidecar. */
export function makeMutate(context: AdmissionContext): Admit {
  const { metrics, recordEvent } = context;
  return admitPods(context, (decision, pod, { dryRun = false, namespace = '' }) => {
    switch (decision.action) {
      case 'refuse':
        metrics.injections.inc({ outcome: 'refused', reason: decision.reason });
        return refused(decision.reason, decision.message);
      case 'skip': {
        const { reason, message } = decision;
        metrics.injections.inc({ outcome: 'skipped', reason });
        if (reason === 'NotRequested' || dryRun) return { allowed: true };
        const type = reason === 'OptedOut' ? 'Normal' : 'Warning';
        recordEvent(pod, namespace, { type, reason: 'InjectionSkipped', message: `${reason}: ${message}` });
        return { allowed: true };
      }
      case 'inject': {
        const { patch, warnings } = decision;
        metrics.injections.inc({ outcome: patch.length > 0 ? 'injected' : 'unchanged', reason: '' });
        return { allowed: true, patch, warnings };
      }
    }
  });
}

/** Refuses pods that should have got a sidecar and have none, whatever the reason. */
export function makeValidate(context: AdmissionContext): Admit {
  const { metrics } = context;
  return admitPods(context, (decision) => {
    const refuse = (reason: string, message: string) => {
      metrics.validations.inc({ outcome: 'refused', reason });
      return refused(reason, message);
    };
    if (decision.action === 'refuse') return refuse(decision.reason, decision.message);
    if (decision.action === 'inject' && decision.addsSidecar) {
      return refuse(
        'SidecarMissing',
        `The pod is to have Chaperone's sidecar and does not have it, as the webhook that adds it was not reached. Create the pod again; if that does not help, see whether the operator's pods are ready. To run it ungoverned, give it the label ${injectLabel}: "false".`,
      );
    }
    metrics.validations.inc({ outcome: 'allowed', reason: '' });
    return { allowed: true };
  });
}

function admitPods(
  { cluster, settings }: AdmissionContext,
  answer: (decision: InjectionDecision, pod: Pod, request: AdmissionRequest) => AdmissionAnswer,
): Admit {
  return async (request) => {
    const { kind, operation, subResource, namespace: name = '' } = request;
    // What is not the creation of a pod comes here by a configuration that says too much.
    if (kind.group !== '' || kind.kind !== 'Pod' || operation !== 'CREATE' || subResource) return { allowed: true };
    const pod = parsePod(request.object);
    if (typeof pod === 'string') return { allowed: false, status: { code: 400, reason: 'BadRequest', message: pod } };
    const namespace = await findNamespace(cluster, name);
    if (!namespace) {
      // Its labels may ask for injection.
      return refused('NamespaceUnknown', `Chaperone has not heard of namespace "${name}" yet; try again.`);
    }
    const gathered = {
      pod,
      namespace: namespace.metadata,
      organizations: cluster.list('Organization'),
      bindings: cluster.list('ApiKeyBinding').filter(({ metadata }) => metadata.namespace === name),
    };
    return answer(decideInjection(gathered, settings), pod, request);
  };
}

function refused(reason: string, message: string): AdmissionAnswer {
  return { allowed: false, status: { code: 403, reason: 'Forbidden', message: `${message} (${reason})` } };
}

/** A namespace may be a moment older than what the cache knows. */
function findNamespace(cluster: AdmissionContext['cluster'], name: string): Promise<Namespace | undefined> {
  const known = cluster.get('Namespace', '', name);
  if (known) return Promise.resolve(known);
  return new Promise((resolve) => {
    const end = () => {
      unsubscribe();
      clearTimeout(timer);
      resolve(cluster.get('Namespace', '', name));
    };
    const unsubscribe = cluster.subscribe((key) => {
      if (key.kind === 'Namespace' && key.name === name) end();
    });
    const timer = setTimeout(end, namespacePatienceMs);
  });
}
