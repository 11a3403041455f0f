import type { Refusal } from './choose.ts';
import { essenceOf, essenceOfPod, findDifference } from './essence.ts';
import { hashAnnotation, injectedLabel, proofAnnotation, sidecarName } from './marks.ts';
import type { Pod } from './pod.ts';
import { isProof } from './proof.ts';
import type { Sidecar } from './sidecar.ts';

/** The facts that prove that another operator injected a sidecar. */
export interface ProofContext {
  readonly proofKeys: readonly Buffer[];
  readonly nowMs: number;
}

/**
 * Refuses a pod whose sidecar is neither the one that this operator would inject nor one that another operator has just
 * injected.
 *
 * @param sidecar the sidecar that this operator would inject
 * @param namespace the pod's namespace
 */
export function refuseAltered(
  pod: Pod,
  sidecar: Sidecar,
  namespace: string,
  { proofKeys, nowMs }: ProofContext,
): Refusal | undefined {
  const { labels, annotations } = pod.metadata;
  const essence = essenceOfPod(pod);
  if (!essence) return altered('it is missing');
  if (labels?.[injectedLabel] !== 'true') return altered(`the label ${injectedLabel}: "true" is missing`);
  const hash = annotations?.[hashAnnotation] ?? '';
  const difference =
    findDifference(essenceOf(sidecar.container, sidecar.volumes), essence) ??
    (hash === sidecar.hash ? undefined : `annotation ${hashAnnotation}`);
  if (difference === undefined) return undefined;
  if (isProof(proofKeys, annotations?.[proofAnnotation], { essence, hash, namespace }, nowMs)) return undefined;
  return altered(`${difference} differs`);
}

function altered(what: string): Refusal {
  return {
    action: 'refuse',
    reason: 'SidecarAltered',
    message: `The pod's sidecar is not the one that Chaperone's webhook adds: ${what}. Remove container "${sidecarName}", its volumes and the annotations chaperone.dev/injected-* from the pod, and create it again. If another webhook changes the sidecar, exclude container "${sidecarName}" there.`,
  };
}
