import type { TenantKind } from '../crds/definition.ts';
import type { Envelope } from '../database/envelope.ts';
import { resourceIdOf } from '../database/ids.ts';
import type { Queryable } from '../database/queryable.ts';
import type { AuditRecorder } from './audit/recorder.ts';
import type { Cluster, ResourceOf, StatusOf } from './cluster/cluster.ts';
import { keyOf, type ObjectPath, readPath } from './cluster/object-key.ts';
import type { RuleStatuses } from './limits/watch.ts';
import type { ReportFailure } from './outages.ts';
import { makeRowReader } from './row-reader.ts';
import { makeRowWriter, type WriteRow } from './row-writer.ts';
import {
  describeFailure,
  differs,
  eventTypeOf,
  failureReason,
  inactiveReason,
  isNews,
  outageReason,
  toConditions,
  type Verdict,
} from './runtime/conditions.ts';
import type { Reconcile, Result } from './runtime/controller.ts';
import type { WorkQueue } from './runtime/work-queue.ts';
import { decideReach, type Reach } from './sharing.ts';
import { judgeStorable } from './storable.ts';
import { isProblem, organizationNotReadyReason, type Tenancy, type TenancyFinder } from './tenancy.ts';

export interface TenantContext {
  readonly cluster: Omit<Cluster, 'start' | 'close' | 'subscribe'>;
  readonly db: Queryable;
  readonly tenancies: TenancyFinder;
  /** Records changes of resources. */
  readonly audit?: AuditRecorder;
  /** What statuses say of limits and budgets. */
  readonly rules?: RuleStatuses;
}

/** One object of a kind, with the organization it belongs to and the id of its row. */
export interface TenantObject<K extends TenantKind> {
  readonly resource: ResourceOf<K>;
  readonly namespace: string;
  readonly name: string;
  readonly path: ObjectPath;
  readonly rowId: string;
  readonly tenancy: Tenancy;
  /** Which callers it serves, as the Organization consents. */
  readonly reach: Reach;
  /** Seals its row for exactly these callers. */
  readonly envelope: Envelope;
}

/** The result of reconciling an object: its condition, and the other fields of its status. */
export interface TenantOutcome<K extends TenantKind> {
  readonly verdict: Verdict;
  /** The condition about the Organization's consent. */
  readonly consent?: Verdict;
  /** The condition about its limits and budgets. */
  readonly rules?: Verdict;
  readonly status: Omit<StatusOf<K>, 'conditions' | 'observedGeneration' | 'serves'>;
  /** When to reconcile again because time alone changes the result. */
  readonly requeueAfterMs?: number;
  /** Whether the row has changed. */
  readonly isChanged: boolean;
  /** Of the provider key of a binding. */
  readonly fingerprint?: string;
}

/** A row in an organization's configuration. */
export interface TenantRow {
  readonly organizationId: string;
}

/** The steps that differ between the kinds that belong to an Organization. */
export interface TenantKindOf<K extends TenantKind, Row extends TenantRow> {
  readonly kind: K;
  /** Reads those of these rows that are in force, by id. */
  find(db: Queryable, organizationId: string, rowIds: readonly string[]): Promise<ReadonlyMap<string, Row>>;
  /** Stores rows of one organization, all or none. */
  upsert(db: Queryable, rows: readonly Row[]): Promise<void>;
  /** Gather, decide, apply. @param stored the row in force @param write stores the object's row */
  reconcile(
    context: TenantContext,
    object: TenantObject<K>,
    stored: Row | undefined,
    write: WriteRow<Row>,
  ): Promise<TenantOutcome<K>>;
  /**
   * Takes the row of an existing object out of force, but keeps what was made for the object, since its namespace may
   * come back. Absent: as `remove`.
   *
   * @returns whether there was one
   */
  withdraw?(context: TenantContext, organizationId: string, rowId: string): Promise<boolean>;
  /**
   * Takes the object's row out of force, with everything that was made for the object. Nothing happens where there is
   * no row.
   *
   * @returns whether there was one
   */
  remove(
    context: TenantContext,
    organizationId: string,
    rowId: string,
    namespace: string,
    name: string,
  ): Promise<boolean>;
}

/** What the operator does with a kind, whatever its rows are. */
export interface TenantControl {
  makeReconciler(context: TenantContext, queue: Pick<WorkQueue<ObjectPath>, 'next' | 'lastAddedAtMs'>): Reconcile;
  readonly remove: TenantKindOf<TenantKind, never>['remove'];
}

export function controlTenant<K extends TenantKind, Row extends TenantRow>(kind: TenantKindOf<K, Row>): TenantControl {
  return {
    makeReconciler: (context, queue) => makeTenantReconciler(context, kind, queue),
    remove: kind.remove,
  };
}

const finalizer = 'chaperone.dev/row';

const noQueue: Pick<WorkQueue<ObjectPath>, 'next' | 'lastAddedAtMs'> = {
  next: () => [],
  lastAddedAtMs: () => undefined,
};

/**
 * Makes the reconciler of a kind that belongs to an Organization, for its objects' paths. It does what all these
 * kinds share: membership, finalizer, row, status and Event.
 *
 * @param queue the keys that come next, so that their rows can be read at once
 */
export function makeTenantReconciler<K extends TenantKind, Row extends TenantRow>(
  context: TenantContext,
  kind: TenantKindOf<K, Row>,
  queue = noQueue,
): Reconcile {
  const { cluster, db, tenancies } = context;
  const rowReader = makeRowReader({
    find: (organizationId, rowIds) => kind.find(db, organizationId, rowIds),
    placeOf(path) {
      const { namespace, name } = readPath(path);
      const organization = cluster.get(kind.kind, namespace, name)?.spec.organizationRef.name;
      const organizationId = organization === undefined ? undefined : tenancies.findRows(organization)?.organizationId;
      return organizationId === undefined
        ? undefined
        : { organizationId, rowId: resourceIdOf(organizationId, kind.kind, path) };
    },
    queue,
  });
  const writeRow = makeRowWriter<Row>((batch) => kind.upsert(db, batch));
  /**
   * The organization in which each resource has a row: an API server may delete a resource although its finalizer was
   * just added.
   */
  const written = new Map<ObjectPath, string>();
  return async (path) => {
    const readRow = rowReader.begin(path);
    const { namespace, name } = readPath(path);
    const key = { kind: kind.kind, namespace, name };
    const resource = cluster.get(kind.kind, namespace, name);
    const organizationName = resource?.spec.organizationRef.name ?? written.get(path);
    if (organizationName === undefined) return {};
    const rows = tenancies.findRows(organizationName);
    const removeRow = async (objectStays = false) => {
      if (!rows) return false;
      const rowId = resourceIdOf(rows.organizationId, kind.kind, path);
      const isChanged =
        objectStays && kind.withdraw
          ? await kind.withdraw(context, rows.organizationId, rowId)
          : await kind.remove(context, rows.organizationId, rowId, namespace, name);
      written.delete(path);
      return isChanged;
    };
    const recordRemoval = async () => {
      if (rows) await context.audit?.gone(rows.organizationId, kind.kind, path);
    };
    if (!resource) {
      const effect = effectOf(await removeRow());
      await recordRemoval();
      return effect;
    }
    if (resource.metadata.deletionTimestamp) {
      const effect = effectOf(await removeRow());
      await recordRemoval();
      await cluster.removeFinalizer(key, finalizer);
      return effect;
    }
    const tenancy = tenancies.find(resource);
    let outcome: Outcome;
    if (isProblem(tenancy)) {
      // A resource is not in force without an organization, or if its namespace has left the organization. The earlier
      // condition about consent is no longer true.
      const hadConsent = resource.status?.conditions?.some(({ type }) => type === 'Consent');
      const consent: Verdict | undefined = hadConsent ? { ...tenancy, type: 'Consent' } : undefined;
      // One that is still being set up, as after a restore, says nothing against the row that was there before.
      const isChanged = tenancy.reason === organizationNotReadyReason ? false : await removeRow(true);
      outcome = { verdict: tenancy, ...(consent && { consent }), status: {}, isChanged };
    } else {
      if (!resource.metadata.finalizers?.includes(finalizer)) await cluster.addFinalizer(key, finalizer);
      const rowId = resourceIdOf(tenancy.organizationId, kind.kind, path);
      written.set(path, organizationName);
      const reach = decideReach(resource, tenancy.organization);
      const envelope = tenancy.envelopeFor(reach.servesNamespace);
      const obstacle = judgeStorable(resource.spec) ?? (envelope ? undefined : keysMissing);
      if (obstacle || !envelope) {
        outcome = { verdict: obstacle ?? keysMissing, status: resource.status ?? {}, isChanged: false };
      } else {
        const stored = await readRow({ organizationId: tenancy.organizationId, rowId });
        const object = { resource, namespace, name, path, rowId, tenancy, reach, envelope };
        const decided = await kind.reconcile(context, object, stored, writeRow);
        const serves = reach.servesNamespace === null ? 'Organization' : 'Namespace';
        const status = reach.refusal ? decided.status : { ...decided.status, serves };
        outcome = { consent: reach.consent, ...decided, status, recordedIn: tenancy.organizationId };
      }
    }
    const effect = effectOf(outcome.isChanged);
    if (outcome.recordedIn !== undefined) await context.audit?.seen(outcome.recordedIn, resource, outcome.fingerprint);
    await report(cluster, kind, resource, outcome);
    return { ...effect, ...(outcome.requeueAfterMs !== undefined && { requeueAfterMs: outcome.requeueAfterMs }) };
  };
}

/** Says on a resource that it cannot be reconciled; all else that is known of it stays. */
export function makeTenantFailureReport(cluster: TenantContext['cluster'], kind: TenantKind): ReportFailure {
  return async (path, failure, cause) => {
    const { namespace, name } = readPath(path);
    const resource = cluster.get(kind, namespace, name);
    if (!resource) return;
    const waits = resource.metadata.deletionTimestamp ? 'its deletion waits' : 'its change waits';
    const verdict =
      failure === 'outage'
        ? notReady(
            outageReason,
            `The database cannot be used (${cause}). Proxies go on with their current configuration; ${waits} until it is back.`,
          )
        : notReady(failureReason, describeFailure(cause));
    await report(cluster, { kind }, resource, { verdict, status: resource.status ?? {} });
  };
}

interface Outcome extends Omit<TenantOutcome<TenantKind>, 'status'> {
  readonly status: object;
  /** The organization whose audit log has the resource's changes. */
  readonly recordedIn?: string;
}

/** The Organization's next reconciliation makes the keys, and then this object is reconciled again. */
const keysMissing = notReady(
  organizationNotReadyReason,
  'The Organization has no keys for this namespace yet. They follow by themselves. What was stored before stays in force.',
);

/** Call this as soon as the row is committed. The later steps only inform people. */
function effectOf(isChanged: boolean): Pick<Result, 'effectAtMs'> {
  return isChanged ? { effectAtMs: performance.now() } : {};
}

async function report<K extends TenantKind>(
  cluster: TenantContext['cluster'],
  { kind }: Pick<TenantKindOf<K, TenantRow>, 'kind'>,
  { metadata, status }: ResourceOf<K>,
  outcome: Pick<Outcome, 'verdict' | 'consent' | 'rules' | 'status'>,
): Promise<void> {
  const key = keyOf({ kind, metadata });
  const verdicts = [outcome.verdict, outcome.consent, outcome.rules].filter((verdict) => verdict !== undefined);
  const judged = toConditions(verdicts, status?.conditions, metadata.generation, new Date());
  // During an outage the other conditions could not be checked, so they stay.
  const isUnknown = [outageReason, failureReason].includes(outcome.verdict.reason);
  const kept = isUnknown ? (status?.conditions ?? []) : [];
  const next: StatusOf<TenantKind> = {
    ...outcome.status,
    observedGeneration: metadata.generation,
    conditions: [...judged, ...kept.filter(({ type }) => type === 'Consent' || type === 'RulesEffective')],
  };
  if (differs(status, next)) await cluster.updateStatus(key, next);
  // The Organization has an Event about consent. One per object would be a thousand after an upgrade.
  for (const verdict of [outcome.verdict, outcome.rules]) {
    if (!verdict || !isNews(status?.conditions, verdict)) continue;
    const { reason, message } = verdict;
    await cluster.recordEvent(key, { type: eventTypeOf(verdict), reason, message });
  }
}

/** The verdict on a resource that is in force. */
export function ready(message: string): Verdict {
  return { type: 'Ready', status: true, reason: 'Ready', message };
}

export function notReady(reason: string, message: string): Verdict {
  return { type: 'Ready', status: false, reason, message };
}

/** The verdict on a resource that somebody has switched off. @param effect what that means, without a full stop */
export function inactive(effect: string): Verdict {
  return notReady(
    inactiveReason,
    `${effect}, since spec.active is false; it is kept, and in force again once that is true.`,
  );
}

/** Whether Postgres refused a row because its name is taken in the organization. */
export function isNameTaken(error: unknown, index: string): boolean {
  if (!(error instanceof Error) || !('code' in error) || !('constraint' in error)) return false;
  return error.code === '23505' && error.constraint === index;
}
