import { type DataKeySet, type Envelope, makeEnvelope, type NamespaceKeySet } from '../../database/envelope.ts';

/** The envelopes that open the rows of the configuration. */
export interface Envelopes {
  /** For rows that serve all member namespaces, and for all contents. */
  readonly organization: Envelope;
  /** For rows that serve one namespace, by its name. Has only the namespaces whose keys are in the Secret. */
  readonly namespaces: ReadonlyMap<string, Envelope>;
}

/** The keys in a Secret that open rows. */
export interface SealingKeys {
  readonly dataKeys: DataKeySet;
  readonly namespaceKeys?: readonly NamespaceKeySet[];
}

/** @throws {EnvelopeError} where a key is malformed */
export function makeEnvelopes({ dataKeys, namespaceKeys = [] }: SealingKeys): Envelopes {
  return {
    organization: makeEnvelope(dataKeys),
    namespaces: new Map(namespaceKeys.map((set) => [set.namespace, makeEnvelope(set)])),
  };
}

/**
 * Chooses the envelope that opens a row.
 *
 * @returns undefined where the row serves a namespace that is not this proxy's
 */
export function envelopeFor(
  { organization, namespaces }: Envelopes,
  servesNamespace: string | null | undefined,
): Envelope | undefined {
  return servesNamespace == null ? organization : namespaces.get(servesNamespace);
}
