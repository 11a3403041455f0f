import { randomUUID } from 'node:crypto';
import type { CustomKind } from '../../crds/definition.ts';
import { diffFields } from '../../database/audit/diff.ts';
import type { FieldChange, Requester, ResourceEntry } from '../../database/audit/entry.ts';
import { readResourceRequests } from '../../database/audit/requests.ts';
import {
  insertResourceChanges,
  type RecordedResource,
  type ResourceChange,
  readRecordedResources,
  readRecordedSpecs,
  withPeople,
} from '../../database/audit/resources.ts';
import type { Queryable } from '../../database/queryable.ts';
import type { ResourceOf } from '../cluster/cluster.ts';
import { type ObjectPath, pathOf } from '../cluster/object-key.ts';
import { makeRowWriter } from '../row-writer.ts';
import { auditedSpec } from './audited-spec.ts';
import { managersOf } from './managers.ts';
import { type Change, requestersOf } from './requests.ts';

/** Records changes of resources in the audit log: each once, whatever happens to the operator. */
export interface AuditRecorder {
  /**
   * Records what is new of a resource since it was recorded last. Resolves when it is in the log.
   *
   * @param fingerprint of the provider key of a binding
   */
  seen(organizationId: string, resource: ResourceOf<CustomKind>, fingerprint?: string): Promise<void>;
  /** Records that a resource is gone. */
  gone(organizationId: string, kind: CustomKind, path: ObjectPath): Promise<void>;
  /** Forgets what was recorded, as where the database may be another one. */
  forget(): void;
}

/** A resource of an organization as it is now; without one, it is gone. */
interface Sighting {
  readonly organizationId: string;
  readonly subject: string;
  readonly resource: ResourceOf<CustomKind> | undefined;
  readonly fingerprint: string | null;
}

export function makeAuditRecorder(db: Queryable): AuditRecorder {
  /** What the log has, by organization and subject. It is read once, so that a restart costs one query. */
  const known = new Map<string, Promise<Map<string, RecordedResource>>>();

  const recordedOf = (organizationId: string) => {
    const recorded = known.get(organizationId) ?? readRecordedResources(db, organizationId);
    known.set(organizationId, recorded);
    recorded.catch(() => known.delete(organizationId));
    return recorded;
  };

  /** Sightings that come while others of their organization are written are written together. */
  const write = makeRowWriter<Sighting>(async (sightings) => {
    const [{ organizationId } = { organizationId: '' }] = sightings;
    const recorded = await recordedOf(organizationId);
    const fresh = sightings.filter((sighting) => isNews(sighting, recorded.get(sighting.subject)));
    if (fresh.length === 0) return;
    // Read again after a failure, and where another operator has recorded a change meanwhile.
    known.delete(organizationId);
    const changes = await describe(db, organizationId, fresh, recorded);
    if (!(await insertResourceChanges(db, organizationId, changes)))
      throw new Error('the audit log has changed; try again');
    for (const { subject, state, former } of changes) {
      if (state) recorded.set(subject, { ...state, revision: (former ?? 0) + 1 });
      else recorded.delete(subject);
    }
    known.set(organizationId, Promise.resolve(recorded));
  });

  const record = async (sighting: Sighting) => {
    const recorded = await recordedOf(sighting.organizationId);
    if (isNews(sighting, recorded.get(sighting.subject))) await write(sighting);
  };

  return {
    seen: (organizationId, resource, fingerprint) =>
      record({
        organizationId,
        subject: `${resource.kind}/${pathOf(resource.metadata)}`,
        resource,
        fingerprint: fingerprint ?? null,
      }),
    gone: (organizationId, kind, path) =>
      record({ organizationId, subject: `${kind}/${path}`, resource: undefined, fingerprint: null }),
    forget: () => known.clear(),
  };
}

/** Whether a sighting tells more than the log has. A spec changes only with its generation; defaults may be new. */
function isNews({ resource, fingerprint }: Sighting, recorded: RecordedResource | undefined): boolean {
  if (!resource || !recorded) return (resource === undefined) !== (recorded === undefined);
  const { uid, generation } = resource.metadata;
  return recorded.uid !== uid || recorded.generation !== generation || recorded.fingerprint !== fingerprint;
}

async function describe(
  db: Queryable,
  organizationId: string,
  sightings: readonly Sighting[],
  recorded: ReadonlyMap<string, RecordedResource>,
): Promise<ResourceChange[]> {
  const at = new Date().toISOString();
  const stored = sightings.map(({ subject }) => subject).filter((subject) => recorded.has(subject));
  const former = stored.length === 0 ? new Map() : await readRecordedSpecs(db, organizationId, stored);
  const requests = await readResourceRequests(
    db,
    sightings.flatMap(({ resource, subject }) => resource?.metadata.uid ?? recorded.get(subject)?.uid ?? []),
  );
  const named = await withPeople(
    db,
    organizationId,
    sightings.map(({ resource, subject }) => ({
      spec: resource && auditedSpec(resource),
      requesters: requestersOf(changeOf(resource, recorded.get(subject)), requests),
    })),
    at,
  );
  return sightings.map((sighting, index) => {
    const { subject } = sighting;
    const { spec, requesters } = named[index] ?? { spec: undefined, requesters: [] };
    return describeOne(sighting, recorded.get(subject), { former: former.get(subject), spec, requesters, at });
  });
}

function changeOf(resource: ResourceOf<CustomKind> | undefined, recorded: RecordedResource | undefined): Change {
  const { uid = '', generation = 0 } = resource?.metadata ?? recorded ?? {};
  return {
    uid,
    former: recorded?.uid === uid ? recorded.generation : 0,
    seen: resource && { generation, spec: resource.spec },
  };
}

interface Description {
  /** The spec that was recorded last. */
  readonly former: unknown;
  readonly spec: unknown;
  readonly requesters: readonly Requester[];
  readonly at: string;
}

function describeOne(
  { subject, resource, fingerprint }: Sighting,
  recorded: RecordedResource | undefined,
  { former, spec, requesters, at }: Description,
): ResourceChange {
  const uid = resource?.metadata.uid ?? recorded?.uid ?? '';
  const generation = resource?.metadata.generation ?? recorded?.generation ?? 0;
  const fields = diffFields('spec', former, spec);
  const keyChange: FieldChange[] =
    recorded && resource && recorded.fingerprint !== fingerprint
      ? [{ field: 'key', ...keyStates(recorded, fingerprint) }]
      : [];
  const entry: ResourceEntry = {
    id: randomUUID(),
    at,
    kind: 'resource',
    action: actionOf(recorded, resource),
    actor: {
      // Who deleted a resource, or wrote a Secret, is not in the resource.
      managers: resource && fields.length > 0 ? managersOf(resource.metadata.managers, fields) : [],
      ...(hasApiServer(resource) && { requesters }),
    },
    ...{ subject, uid, generation },
    changes: [...fields, ...keyChange],
  };
  return {
    subject,
    entry,
    former: recorded?.revision ?? null,
    state: resource ? { uid, generation, fingerprint, spec } : null,
  };
}

/** Files have no managers. Nobody knows of a resource that is gone. */
function hasApiServer(resource: ResourceOf<CustomKind> | undefined): boolean {
  return resource === undefined || resource.metadata.managers !== undefined;
}

/** That the provider key of a binding is another one. Which one is nobody's business. */
function keyStates({ fingerprint: before }: RecordedResource, after: string | null) {
  return {
    ...(before !== null && { before: 'a key' }),
    ...(after !== null && { after: before === null ? 'a key' : 'another key' }),
  };
}

function actionOf(
  recorded: RecordedResource | undefined,
  resource: ResourceOf<CustomKind> | undefined,
): ResourceEntry['action'] {
  if (!resource) return 'deleted';
  if (!recorded) return 'created';
  return recorded.uid === resource.metadata.uid ? 'changed' : 'replaced';
}
