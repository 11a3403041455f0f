import type { ReferredKind } from '../../../crds/call-fields.ts';
import type { Reference } from '../../../crds/read-call-fields.ts';
import type { OwnedResource, ResourceKind } from '../../../database/owned-resources.ts';
import type { RequestReference } from '../../../database/requests.ts';
import { ProxyError } from '../../error.ts';
import type { Spool } from '../../spool/spool.ts';
import { SpoolError } from '../../spool/spool-error.ts';
import type { Caller } from '../call.ts';

/** The kinds of stored resources. */
export type OwnedKind = 'response' | ResourceKind;

/** The key that a resource was made with. The provider knows the resource only under that key. */
export type MadeBy = Pick<RequestReference, 'apiKeyId'>;

/** The response that a call follows by `previous_response_id`. */
export type Predecessor = Pick<RequestReference, 'sessionId' | 'place'>;

/** The key of all resources that a call refers to, and the previous response. */
export type MadeByAll = MadeBy & { readonly predecessor?: Predecessor };

/**
 * Tracks which user owns a stored resource. A provider knows only keys, which several users and organizations may
 * share. A resource that nobody made here, or that another user made, counts as missing.
 */
export interface Ownership {
  /** @throws {ProxyError} `resource_not_found`, or `store_unavailable` where the owner cannot be looked up */
  require(
    kind: OwnedKind | ReferredKind,
    id: string,
    caller: Caller,
    param?: string,
  ): Promise<MadeBy & Partial<Predecessor>>;
  /** Finds the one key of all referenced resources. Undefined where there are none. @throws {ProxyError} */
  requireAll(references: readonly Reference[], caller: Caller): Promise<MadeByAll | undefined>;
  /** Lists the caller's resources of a kind. @throws {ProxyError} `store_unavailable` */
  list(kind: ResourceKind, caller: Caller): Promise<OwnedResource[]>;
  /** Notes the owner of a new resource, before the caller has its id. @throws {ProxyError} `spool_unwritable` */
  note(resource: Omit<OwnedResource, 'created_at' | 'deleted_at'>): void;
  /** Notes that the caller's own resource was deleted. @throws {ProxyError} `spool_unwritable` */
  noteDeleted(kind: ResourceKind, id: string, caller: Caller, madeBy: MadeBy): void;
}

export interface OwnershipOptions {
  readonly spool: Pick<Spool, 'own' | 'listResources'>;
  /** Finds a call of the organization by response id, made at any proxy. @throws {ProxyError} `store_unavailable` */
  readonly findRequest: (id: string) => Promise<RequestReference | undefined>;
  /** Finds the call whose answer has a part with this id. @throws {ProxyError} `store_unavailable` */
  readonly findRequestOfItem: (id: string) => Promise<RequestReference | undefined>;
  /** Finds a noted resource, noted at any proxy. @throws {ProxyError} `store_unavailable` */
  readonly findResource: (id: string) => Promise<OwnedResource | undefined>;
  /**
   * Refuses what a call may not continue, since guardrails hold it. Absent: nothing is held.
   *
   * @throws {ProxyError}
   */
  readonly requireReleased?: (responseId: string, userId: string) => Promise<void>;
  /** Lists a user's noted resources in the database. @throws {ProxyError} `store_unavailable` */
  readonly listStored: (userId: string, kind: ResourceKind) => Promise<OwnedResource[]>;
}

export function makeOwnership(options: OwnershipOptions): Ownership {
  const { spool, findRequest, findRequestOfItem, findResource, requireReleased, listStored } = options;
  const find = async (
    kind: OwnedKind | ReferredKind,
    id: string,
  ): Promise<(MadeBy & Partial<Predecessor> & { userId: string; responseId?: string | null }) | undefined> => {
    if (id.length > maxIdLength) return undefined;
    switch (kind) {
      case 'response': {
        const request = await findRequest(id);
        return request?.responseId === id ? request : undefined;
      }
      case 'item':
      case 'container':
        return findRequestOfItem(id);
      default: {
        const resource = await findResource(id);
        if (resource?.kind !== kind || resource.deleted_at !== null) return undefined;
        return { userId: resource.user_id, apiKeyId: resource.api_key_id };
      }
    }
  };
  const requireOwn = async (kind: OwnedKind | ReferredKind, id: string, caller: Caller, param?: string) => {
    const owned = await find(kind, id);
    if (owned && owned.userId === caller.userId) return owned;
    throw notFound(kind, id, param);
  };
  const own = (resource: OwnedResource) => {
    try {
      spool.own(resource);
    } catch (cause) {
      if (cause instanceof SpoolError) throw new ProxyError('spool_unwritable', { cause });
      throw cause;
    }
  };
  return {
    require: requireOwn,
    async requireAll(references, caller) {
      let first: { readonly madeBy: MadeBy; readonly id: string } | undefined;
      let predecessor: Predecessor | undefined;
      for (const { kind, id, param } of references) {
        const madeBy = await requireOwn(kind, id, caller, param);
        if (madeBy.responseId != null) await requireReleased?.(madeBy.responseId, madeBy.userId);
        if (first && first.madeBy.apiKeyId !== madeBy.apiKeyId) throw conflict(param, first.id, id);
        first ??= { madeBy, id };
        const { sessionId, place = null } = madeBy;
        if (param === 'previous_response_id' && sessionId !== undefined) predecessor = { sessionId, place };
      }
      return first && { apiKeyId: first.madeBy.apiKeyId, ...(predecessor && { predecessor }) };
    },
    async list(kind, { userId }) {
      const stored = await listStored(userId, kind);
      const here = spool.listResources(userId).filter((resource) => resource.kind === kind);
      const byId = new Map([...stored, ...here].map((resource) => [resource.resource_id, resource]));
      return [...byId.values()].filter((resource) => resource.deleted_at === null);
    },
    note: (resource) => own({ ...resource, created_at: new Date().toISOString(), deleted_at: null }),
    noteDeleted(kind, id, caller, { apiKeyId }) {
      if (apiKeyId === null) return;
      const now = new Date().toISOString();
      own({
        resource_id: id,
        kind,
        user_id: caller.userId,
        api_key_id: apiKeyId,
        created_at: now,
        deleted_at: now,
      });
    },
  };
}

/** Longer than any provider's ids. */
const maxIdLength = 200;

/** @throws {ProxyError} `invalid_request` where two resources were made with different keys */
export function requireSameKey(param: string, one: MadeBy | undefined, other: MadeBy | undefined): MadeBy | undefined {
  if (one && other && one.apiKeyId !== other.apiKeyId) throw conflict(param);
  return one ?? other;
}

function conflict(param: string, one?: string, other?: string): ProxyError {
  const which = one === undefined ? 'the things that it refers to' : `${quote(one)} and ${quote(other ?? '')}`;
  return new ProxyError('invalid_request', {
    param,
    message: `${which} do not go together: each was made with another provider key, and no key knows both`,
  });
}

const nouns: Readonly<Record<OwnedKind | ReferredKind, string>> = {
  response: 'Response',
  file: 'File',
  conversation: 'Conversation',
  batch: 'Batch',
  vector_store: 'Vector store',
  container: 'Container',
  item: 'Item',
};

/** The same answer for a missing resource and for another owner's, so that nobody can tell them apart. */
export function notFound(kind: OwnedKind | ReferredKind, id: string, param?: string): ProxyError {
  const message = `${nouns[kind]} with id ${quote(id)} not found.`;
  return new ProxyError('resource_not_found', { message, ...(param === undefined ? {} : { param }) });
}

function quote(id: string): string {
  return `'${id.slice(0, maxIdLength)}'`;
}
