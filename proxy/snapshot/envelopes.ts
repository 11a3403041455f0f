import { type DataKeySet, type Envelope, makeEnvelope, type NamespaceKeySet } from '../../database/envelope.ts';

/** What opens the rows of the configuration. */
export interface Envelopes {
  /** Of what serves every member namespace, and of all contents. */
  readonly organization: Envelope;
  /** Of what serves one namespace, by its name: only those that the Secret has the keys of. */
  readonly namespaces: ReadonlyMap<string, Envelope>;
}

/** What a Secret has to open rows with. */
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
 * What opens a row.
 *
 * @returns undefined where the row serves a namespace that is not this proxy's
 */
export function envelopeFor(
  { organization, namespaces }: Envelopes,
  servesNamespace: string | null | undefined,
): Envelope | undefined {
  return servesNamespace == null ? organization : namespaces.get(servesNamespace);
}
