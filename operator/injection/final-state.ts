import type { Refusal } from './choose.ts';
import { essenceOf, essenceOfPod, findDifference } from './essence.ts';
import { hashAnnotation, injectedLabel, proofAnnotation, sidecarName } from './marks.ts';
import type { Pod } from './pod.ts';
import { isProof } from './proof.ts';
import type { Sidecar } from './sidecar.ts';

/** By what a sidecar that another operator has given is believed. */
export interface Belief {
  readonly proofKeys: readonly Buffer[];
  readonly nowMs: number;
}

/**
 * Why a pod that has a sidecar must not run with it: it is not what would be given to the pod now, nor what another
 * operator has just given it.
 *
 * @param sidecar what would be given
 * @param namespace the pod's
 */
export function refuseAltered(
  pod: Pod,
  sidecar: Sidecar,
  namespace: string,
  { proofKeys, nowMs }: Belief,
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
    message: `The pod's sidecar is not what Chaperone's webhook gives: ${what}. Remove container "${sidecarName}", its volumes and the annotations chaperone.dev/injected-* from the pod and create it again; if another webhook changes the sidecar, have it leave container "${sidecarName}" alone.`,
  };
}
