import type { Cluster, Namespace } from '../cluster/cluster.ts';
import { type AdmissionAnswer, type AdmissionRequest, parsePod } from './admission-review.ts';
import type { Refusal } from './choose.ts';
import { credentialsOf, decideInjection, type InjectionDecision, type Prove } from './decide.ts';
import { essenceOf } from './essence.ts';
import type { RecordPodEvent } from './events.ts';
import { refuseAltered } from './final-state.ts';
import { injectLabel } from './marks.ts';
import type { InjectionMetrics } from './metrics.ts';
import { refuseReferences } from './obstacle.ts';
import type { Pod } from './pod.ts';
import { makeProof } from './proof.ts';
import type { ReadBindings } from './read-bindings.ts';
import type { InjectionSettings } from './settings.ts';

export interface AdmissionContext {
  readonly cluster: Pick<Cluster, 'get' | 'list' | 'subscribe'>;
  readonly settings: InjectionSettings;
  readonly metrics: InjectionMetrics;
  readonly recordEvent: RecordPodEvent;
  /** All operators of an installation share them. The newest is last. */
  readonly proofKeys: () => readonly Buffer[];
  readonly now?: () => number;
}

export type Admit = (request: AdmissionRequest) => Promise<AdmissionAnswer>;

/** How long to wait for a namespace that is not in the cache yet. */
const namespaceTimeoutMs = 2_000;

/**
 * Makes the webhook that adds the sidecar to new pods.
 *
 * @param readBindings asked before a pod gets no key, since the cache may not have the binding yet
 */
export function makeMutate(context: AdmissionContext, readBindings: ReadBindings): Admit {
  const { metrics, recordEvent } = context;
  const answer: Answer = (decision, pod, { dryRun = false, namespace = '' }) => {
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
        const { patch, warnings, keyProblem } = decision;
        if (keyProblem !== undefined && !dryRun) {
          const message = `Calls will fail until the pod is created again with a key: the ${keyProblem}.`;
          recordEvent(pod, namespace, { type: 'Warning', reason: 'NoSyntheticKey', message });
        }
        metrics.injections.inc({ outcome: patch.length > 0 ? 'injected' : 'unchanged', reason: '' });
        return { allowed: true, patch, warnings };
      }
    }
  };
  return admitPods(context, answer, readBindings);
}

/**
 * Makes the webhook that refuses pods without the right sidecar, for whatever reason they lack it, and pods without a
 * sidecar that would read an organization's credentials.
 *
 * @param comparesSidecars false: any sidecar is enough, while operators of an older version may serve, which make no
 * proof
 */
export function makeValidate(context: AdmissionContext, { comparesSidecars }: { comparesSidecars: boolean }): Admit {
  const { metrics, cluster, proofKeys, now = Date.now } = context;
  const conclude = (refusal: Refusal | undefined): AdmissionAnswer => {
    metrics.validations.inc({ outcome: refusal ? 'refused' : 'allowed', reason: refusal?.reason ?? '' });
    return refusal ? refused(refusal.reason, refusal.message) : { allowed: true };
  };
  const judge = (decision: InjectionDecision, pod: Pod, namespace: string): Refusal | undefined => {
    if (decision.action === 'refuse') return decision;
    if (decision.action === 'skip') {
      if (decision.reason === 'ProtectedNamespace') return undefined;
      return refuseReferences(pod, credentialsOf(cluster.list('Organization')), false);
    }
    if (decision.addsSidecar) return sidecarMissing;
    if (!comparesSidecars) return undefined;
    return refuseAltered(pod, decision.sidecar, namespace, { proofKeys: proofKeys(), nowMs: now() });
  };
  const admitCreation = admitPods(context, (decision, pod, { namespace = '' }) =>
    conclude(judge(decision, pod, namespace)),
  );
  return async (request) => {
    const { kind, operation, subResource, namespace = '' } = request;
    const isDebugging = kind.kind === 'Pod' && operation === 'UPDATE' && subResource === 'ephemeralcontainers';
    if (!isDebugging) return admitCreation(request);
    const pod = parsePod(request.object);
    if (typeof pod === 'string') return badRequest(pod);
    if (namespace === context.settings.operatorNamespace) return { allowed: true };
    // Volumes and the other containers were checked when the pod was created.
    const { ephemeralContainers = [] } = pod.spec;
    const added = { metadata: pod.metadata, spec: { containers: [], ephemeralContainers } };
    return conclude(refuseReferences(added, credentialsOf(cluster.list('Organization')), false));
  };
}

const sidecarMissing: Refusal = {
  action: 'refuse',
  reason: 'SidecarMissing',
  message: `The pod needs Chaperone's sidecar and does not have it, because the webhook that adds it was not reached. Create the pod again. If that does not help, check whether the operator's pods are ready. To run the pod ungoverned, set its label ${injectLabel}: "false".`,
};

type Answer = (decision: InjectionDecision, pod: Pod, request: AdmissionRequest) => AdmissionAnswer;

function admitPods(
  { cluster, settings, proofKeys, now = Date.now }: AdmissionContext,
  answer: Answer,
  readBindings?: ReadBindings,
): Admit {
  return async (request) => {
    const { kind, operation, subResource, namespace: name = '' } = request;
    // Only a too broad webhook configuration sends anything but the creation of a pod.
    if (kind.group !== '' || kind.kind !== 'Pod' || operation !== 'CREATE' || subResource) return { allowed: true };
    const pod = parsePod(request.object);
    if (typeof pod === 'string') return badRequest(pod);
    const namespace = await findNamespace(cluster, name);
    if (!namespace) {
      // The namespace's labels may ask for injection.
      return refused('NamespaceUnknown', `Chaperone does not know namespace "${name}" yet; try again.`);
    }
    const gathered = {
      pod,
      namespace: namespace.metadata,
      organizations: cluster.list('Organization'),
      bindings: cluster.list('ApiKeyBinding').filter(({ metadata }) => metadata.namespace === name),
    };
    const prove: Prove = ({ container, volumes, hash }) =>
      makeProof(proofKeys(), { essence: essenceOf(container, volumes), hash, namespace: name }, now());
    const decision = decideInjection(gathered, settings, prove);
    const isKeyless = decision.action === 'inject' && decision.keyProblem !== undefined;
    const bindings = isKeyless ? await readBindings?.(name) : undefined;
    return answer(bindings ? decideInjection({ ...gathered, bindings }, settings, prove) : decision, pod, request);
  };
}

function badRequest(message: string): AdmissionAnswer {
  return { allowed: false, status: { code: 400, reason: 'BadRequest', message } };
}

function refused(reason: string, message: string): AdmissionAnswer {
  return { allowed: false, status: { code: 403, reason: 'Forbidden', message: `${message} (${reason})` } };
}

/** Waits for the namespace: it may have been created a moment before the pod, and not be in the cache yet. */
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
    const timer = setTimeout(end, namespaceTimeoutMs);
  });
}
