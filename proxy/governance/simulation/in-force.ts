import type { OrganizationSpec } from '../../../crds/resources.generated.ts';
import { readConfigChanges } from '../../../database/config.ts';
import { generateDataKeys, makeEnvelope } from '../../../database/envelope.ts';
import type { Queryable } from '../../../database/queryable.ts';
import type { InForce } from '../../calls/context.ts';
import { makePrice } from '../../prices/price.ts';
import { priceListsOf, providerTable } from '../../providers/table.ts';
import { makeBlindOpener } from '../../snapshot/blind-opener.ts';
import { openSnapshot } from '../../snapshot/open-snapshot.ts';
import { applyChanges, emptySnapshot, type SealedSnapshot } from '../../snapshot/sealed-snapshot.ts';

/** Which namespaces a proxy acts for: all on one machine, that of its pod, and none outside of pods. */
export type ActsFor = (namespace: string) => boolean;

/** No call goes to it. */
const anyUrl = { upstreamUrl: 'https://api.openai.com/v1' };

/** Reads the whole configuration of an organization. @param db the owner's connection, or the organization's own */
export async function readSealed(db: Queryable, organizationId: string): Promise<SealedSnapshot> {
  return applyChanges(emptySnapshot, await readConfigChanges(db, organizationId, 0));
}

/** Where calls come from that no pod makes. */
export interface Serving {
  /** Whether one proxy serves all namespaces, as in a `chaperone up`. */
  readonly isOneMachine: boolean;
  /** Which namespaces the proxy of calls from outside of pods acts for. Absent: those of the Organization's gateway. */
  readonly outsidePods?: ActsFor;
}

/**
 * Which namespaces the proxy of a call acts for.
 *
 * @returns a function of the namespace of the call's pod; undefined: it is from outside of pods
 */
export function namespacesOf(
  { organization }: SealedSnapshot,
  { isOneMachine, outsidePods }: Serving,
): (namespace: string | undefined) => ActsFor {
  const spec = organization?.spec as OrganizationSpec | undefined;
  const ofGateway = new Set(spec?.gateway?.namespaces);
  const outside = outsidePods ?? ((one) => ofGateway.has(one));
  return (namespace) => (one) => isOneMachine || (namespace === undefined ? outside(one) : one === namespace);
}

/**
 * Puts a configuration in force for a program that sends nothing: without the texts of personas, without the secrets of
 * keys, and without a way to authenticate.
 *
 * @throws {Error} where the organization is deleted
 */
export function putInForce(sealed: SealedSnapshot, actsFor: ActsFor): InForce {
  const snapshot = openSnapshot(sealed, makeBlindOpener(actsFor), anyUrl);
  if (!snapshot || snapshot.isDeleted) throw new Error('The organization has been deleted');
  return {
    snapshot,
    authenticator: {
      authenticate() {
        throw new TypeError('Nobody calls this proxy');
      },
    },
    // Only to name placeholders, which nobody sees.
    envelope: makeEnvelope(generateDataKeys()),
    namespaces: new Map(),
    price: priceOf(snapshot.spec),
  };
}

export function priceOf(spec: Pick<OrganizationSpec, 'prices' | 'providers'>) {
  return makePrice(spec.prices, priceListsOf(providerTable, spec.providers));
}
