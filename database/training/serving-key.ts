import type { Envelope } from '../envelope.ts';

/** The deployment that a key belongs to. It opens nowhere else. */
export interface ServingKeyPlace {
  readonly organizationId: string;
  readonly deploymentId: string;
}

/** Seals what the pods of a deployment ask of their callers. */
export function sealServingKey(envelope: Envelope, place: ServingKeyPlace, key: string): Buffer {
  return envelope.seal(placeOf(place), key);
}

/** @throws {EnvelopeError} where the key is unknown, or the value belongs to another deployment */
export function openServingKey(envelope: Envelope, place: ServingKeyPlace, sealed: Uint8Array): string {
  return envelope.open(placeOf(place), sealed).toString();
}

function placeOf({ organizationId, deploymentId }: ServingKeyPlace) {
  return { organizationId, column: 'model_deployments.key', rowId: deploymentId };
}
