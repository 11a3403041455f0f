import type { Logger } from 'pino';
import type { Organization } from '../../crds/resources.generated.ts';
import { type OpenCircuit, readOpenCircuits } from '../../database/provider-pauses.ts';
import type { Queryable } from '../../database/queryable.ts';
import type { Cluster, EventNote } from '../cluster/cluster.ts';
import { keyOf, type ObjectPath, pathOf } from '../cluster/object-key.ts';
import type { Verdict } from '../runtime/conditions.ts';
import { startResync } from '../runtime/resync.ts';
import { allClosed, describeClosed, describeOpened, judgeCircuits } from './judge.ts';

/** What the statuses of Organizations say of providers that fail. */
export interface CircuitVerdicts {
  /** The condition of an Organization now. Undefined: it has none, or what it says stays. */
  of(organization: Organization): Verdict | undefined;
}

export interface CircuitWatchOptions {
  readonly cluster: Pick<Cluster, 'list' | 'recordEvent'>;
  readonly db: Queryable;
  /** Called where the status of an Organization is to be written. */
  readonly onChange: (path: ObjectPath) => void;
  /** Whether the database can be used. */
  readonly isUsable: () => boolean;
  readonly log: Logger;
  /** How often the database is read. */
  readonly periodMs: number;
}

/** Reads which circuits proxies have opened, for conditions, and writes an Event when one opens or closes. */
export function watchCircuits({ cluster, db, onChange, isUsable, log, periodMs }: CircuitWatchOptions) {
  /** By the organization's id. */
  let known = new Map<string, readonly OpenCircuit[]>();

  const look = async () => {
    const open = Map.groupBy(await readOpenCircuits(db), ({ organizationId }) => organizationId);
    const next = new Map<string, readonly OpenCircuit[]>();
    for (const organization of cluster.list('Organization')) {
      const id = organization.status?.id;
      if (id === undefined) continue;
      const stated = new Set(organization.spec.providers.map(({ name }) => name));
      const now = (open.get(id) ?? []).filter(({ provider }) => stated.has(provider));
      next.set(id, now);
      const before = known.get(id);
      known.set(id, now);
      const notes = before ? notesOf(organization, before, now) : firstNotesOf(organization, now);
      for (const note of notes) await cluster.recordEvent(keyOf(organization), note);
      const isNews = essenceOf(before ?? []) !== essenceOf(now);
      if (isNews || isFalse(organization) !== now.length > 0) onChange(pathOf(organization.metadata));
    }
    known = next;
  };
  const resync = startResync(async () => {
    if (!isUsable()) return;
    await look().catch((error: unknown) => log.warn({ err: error }, 'cannot read which providers fail'));
  }, periodMs);
  return {
    of(organization: Organization) {
      const open = known.get(organization.status?.id ?? '');
      return open && judgeCircuits(organization, open);
    },
    stop: () => resync.stop(),
  } satisfies CircuitVerdicts & { stop(): Promise<void> };
}

/** After a start of the operator. What an Organization's condition tells of has had its Events. */
function firstNotesOf(organization: Organization, now: readonly OpenCircuit[]): readonly EventNote[] {
  if (!isFalse(organization)) return notesOf(organization, [], now);
  return now.length > 0 ? [] : [allClosed];
}

function isFalse({ status }: Organization): boolean {
  return status?.conditions?.some(({ type, status }) => type === 'ProvidersAvailable' && status === 'False') ?? false;
}

function notesOf(organization: Organization, before: readonly OpenCircuit[], now: readonly OpenCircuit[]) {
  const isIn = (circuits: readonly OpenCircuit[]) => {
    const names = new Set(circuits.map(nameOf));
    return (circuit: OpenCircuit) => names.has(nameOf(circuit));
  };
  const [wasOpen, isOpen] = [isIn(before), isIn(now)];
  return [
    ...now.filter((circuit) => !wasOpen(circuit)).map((circuit) => describeOpened(circuit, organization.spec)),
    ...before.filter((circuit) => !isOpen(circuit)).map(describeClosed),
  ];
}

function nameOf({ scope, provider, binding }: OpenCircuit): string {
  return `${scope} ${provider} ${binding}`;
}

function essenceOf(circuits: readonly OpenCircuit[]): string {
  return JSON.stringify(circuits.map((circuit) => [nameOf(circuit), circuit.reason, circuit.beganAt]));
}
