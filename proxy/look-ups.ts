import { requestStartedAtMs } from '../database/ids.ts';
import { findOwnedResource, listOwnedResources, type OwnedResource } from '../database/owned-resources.ts';
import { findPendingCall } from '../database/pending-calls.ts';
import {
  findRequestById,
  findRequestByKeptId,
  findRequestByResponseId,
  type RequestReference,
  referenceOf,
} from '../database/requests.ts';
import { makeOwnership, type Ownership, type OwnershipOptions } from './calls/resources/ownership.ts';
import { makeFind } from './find.ts';
import type { Follower } from './snapshot/follow.ts';
import type { Spool } from './spool/spool.ts';
import type { Store } from './store.ts';

export interface LookUpOptions {
  readonly organizationId: string;
  readonly spool: Pick<Spool, 'find' | 'findByKeptId' | 'findResource' | 'own' | 'listResources'>;
  readonly follower: Pick<Follower, 'query'>;
  readonly store: Pick<Store, 'run'>;
  /** Absent: nothing is held. */
  readonly requireReleased?: OwnershipOptions['requireReleased'];
}

/** Finds what calls refer to: in this proxy's spool, else in the database. */
export interface LookUps {
  /** Finds a call of the organization by request id or response id, made at any proxy. */
  readonly findRequest: (id: string) => Promise<RequestReference | undefined>;
  readonly ownership: Ownership;
}

/** Makes the look-ups. They use the follower's connection, where they wait for no insert. */
export function makeLookUps(options: LookUpOptions): LookUps {
  const { organizationId, spool, follower, store, requireReleased } = options;
  const findRequest = makeFind<RequestReference>(spool.find, (id) =>
    follower.query(async (db) => {
      const startedAtMs = requestStartedAtMs(id);
      if (startedAtMs !== undefined) return findRequestById(db, organizationId, id, startedAtMs);
      const settled = await findRequestByResponseId(db, organizationId, id);
      const pending = settled ? undefined : await findPendingCall(db, organizationId, id);
      return pending ? referenceOf(pending) : settled;
    }),
  );
  const ownership = makeOwnership({
    spool,
    findRequest,
    findRequestOfItem: makeFind<RequestReference>(spool.findByKeptId, (id) =>
      follower.query((db) => findRequestByKeptId(db, organizationId, id)),
    ),
    findResource: makeFind<OwnedResource>(spool.findResource, (id) =>
      follower.query((db) => findOwnedResource(db, organizationId, id)),
    ),
    ...(requireReleased && { requireReleased }),
    listStored: (userId, kind) => store.run((db) => listOwnedResources(db, organizationId, userId, kind)),
  });
  return { findRequest, ownership };
}
