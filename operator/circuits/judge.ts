import type { Organization, OrganizationSpec } from '../../crds/resources.generated.ts';
import type { OpenCircuit } from '../../database/provider-pauses.ts';
import type { EventNote } from '../cluster/cluster.ts';
import type { Verdict } from '../runtime/conditions.ts';

type Circuit = Omit<OpenCircuit, 'organizationId'>;

const type = 'ProvidersAvailable';
const noneFails = 'No provider and no key fails again and again.';

/** The condition about providers and keys that fail. Undefined for an organization where none ever has. */
export function judgeCircuits(
  { spec, status }: Pick<Organization, 'spec' | 'status'>,
  open: readonly Circuit[],
): Verdict | undefined {
  if (open.length > 0) {
    const named = open.slice(0, mostNamed).map((circuit) => describe(circuit, spec));
    const others = open.length > mostNamed ? ` And ${open.length - mostNamed} more.` : '';
    const message = `${named.join(' ')}${others} Calls go to other providers and keys, where there are any.`;
    return { type: 'ProvidersAvailable', status: false, reason: 'CircuitOpen', message };
  }
  if (!status?.conditions?.some((condition) => condition.type === type)) return undefined;
  return { type: 'ProvidersAvailable', status: true, reason: 'CircuitsClosed', message: noneFails };
}

export function describeOpened(circuit: Circuit, spec: Pick<OrganizationSpec, 'providers'>): EventNote {
  return { type: 'Warning', reason: 'CircuitOpen', message: describe(circuit, spec) };
}

export function describeClosed(circuit: Circuit): EventNote {
  return { type: 'Normal', reason: 'CircuitClosed', message: `${subjectOf(circuit)} serves calls again.` };
}

/** Where it is not known which circuits have closed. */
export const allClosed: EventNote = { type: 'Normal', reason: 'CircuitClosed', message: noneFails };

/** A condition names only the first ones. */
const mostNamed = 5;

function describe(circuit: Circuit, { providers }: Pick<OrganizationSpec, 'providers'>): string {
  const { provider, reason, beganAt } = circuit;
  const pause = providers.find(({ name }) => name === provider)?.circuitBreaker?.pause ?? '30s';
  const since = beganAt.toISOString().replace(/\.\d+Z$/, 'Z');
  return `${subjectOf(circuit)} fails since ${since} (${reason}); one call every ${pause} tries it again.`;
}

function subjectOf({ scope, provider, binding }: Circuit): string {
  if (scope === 'provider') return `Provider "${provider}"`;
  return `The key of ${binding === null ? 'a former ApiKeyBinding' : `ApiKeyBinding ${binding}`} at provider "${provider}"`;
}
