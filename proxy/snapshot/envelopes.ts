import { type Envelope, makeEnvelope } from '../../database/envelope.ts';
import type { Credentials } from '../credentials.ts';

/** What opens the rows of the configuration. */
export interface Envelopes {
  /** Of what serves every member namespace, and of all contents. */
  readonly organization: Envelope;
  /** Of what serves one namespace, by its name: only those that the Secret has the keys of. */
  readonly namespaces: ReadonlyMap<string, Envelope>;
}

/** @throws {EnvelopeError} where a key is malformed */
export function makeEnvelopes({
  dataKeys,
  namespaceKeys = [],
}: Pick<Credentials, 'dataKeys' | 'namespaceKeys'>): Envelopes {
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
