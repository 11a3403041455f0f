import { createHash } from 'node:crypto';
import type { Logger } from 'pino';
import type { NamedUser, Requester } from '../../database/audit/entry.ts';
import type { KeptRequest, ResourceRequest } from '../../database/audit/requests.ts';
import type { AdmissionAnswer, AdmissionRequest } from '../injection/admission-review.ts';

export interface RequestKeeperContext {
  /** Keeps a request for the operator that sees what comes of it. */
  readonly keep: (request: ResourceRequest) => Promise<void>;
  readonly log: Logger;
}

/**
 * Makes the webhook that is told who asks for a change of a resource. It lets everything pass, also where it cannot keep
 * the request: the audit log then does not say who asked.
 */
export function makeRequestKeeper({ keep, log }: RequestKeeperContext) {
  return async (asked: AdmissionRequest): Promise<AdmissionAnswer> => {
    const request = requestOf(asked);
    if (request) {
      await keep(request).catch((error: unknown) => {
        const { uid, operation } = request;
        log.warn({ err: error, resource: uid, operation }, 'the audit log will not say who asked for a change');
      });
    }
    return { allowed: true };
  };
}

/** Undefined where nothing comes of a request, or nothing is known of who asks. */
function requestOf({ operation, dryRun, subResource, userInfo, object, oldObject }: AdmissionRequest) {
  if (dryRun || subResource || userInfo === undefined) return undefined;
  const { username: requester } = userInfo;
  if (operation === 'DELETE') {
    const { uid, generation = 0, deletionTimestamp } = metadataOf(oldObject);
    // Somebody else has asked before.
    if (uid === undefined || deletionTimestamp !== undefined) return undefined;
    return { uid, operation, generation, digest: Buffer.alloc(0), requester } as const;
  }
  if (operation !== 'CREATE' && operation !== 'UPDATE') return undefined;
  const { uid, generation = 0 } = metadataOf(object);
  if (uid === undefined) return undefined;
  return { uid, operation, generation, digest: digestOfSpec(specOf(object)), requester } as const;
}

interface Metadata {
  readonly uid?: string;
  readonly generation?: number;
  readonly deletionTimestamp?: string;
}

function metadataOf(object: unknown): Metadata {
  const metadata = isObject(object) && isObject(object.metadata) ? object.metadata : {};
  const { uid, generation, deletionTimestamp } = metadata;
  return {
    ...(typeof uid === 'string' && { uid }),
    ...(typeof generation === 'number' && { generation }),
    ...(typeof deletionTimestamp === 'string' && { deletionTimestamp }),
  };
}

function specOf(object: unknown): unknown {
  return isObject(object) ? object.spec : undefined;
}

/** The same for equal specs, in whatever order their fields are. */
export function digestOfSpec(spec: unknown): Buffer {
  const text = JSON.stringify(spec ?? null, (_, value) =>
    isObject(value)
      ? Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)))
      : value,
  );
  return createHash('sha256').update(text).digest();
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What the operator sees of a resource. */
export interface Change {
  /** Of the resource that is, or was. */
  readonly uid: string;
  /** The generation that the log had before. 0: none. */
  readonly former: number;
  /** Undefined: the resource is gone. */
  readonly seen: { readonly generation: number; readonly spec: unknown } | undefined;
}

/**
 * Who asked for a change, the first first. Of a deletion, it is who asked last, since a request before may have been
 * refused. A request for the spec that there is now has led to it; those for the generations between the log's and this
 * one may have failed in the storage.
 */
export function requestersOf({ uid, former, seen }: Change, requests: readonly KeptRequest[]): readonly Requester[] {
  const about = requests.filter((request) => request.uid === uid);
  if (!seen)
    return about
      .filter(({ operation }) => operation === 'DELETE')
      .slice(-1)
      .map(show);
  const digest = digestOfSpec(seen.spec);
  return about
    .filter(
      ({ operation, generation, digest: asked }) =>
        operation !== 'DELETE' &&
        generation > former &&
        (generation < seen.generation || (generation === seen.generation && asked.equals(digest))),
    )
    .map(show);
}

function show({ requester, at }: KeptRequest): Requester {
  return { user: named(requester), at: at.toISOString() };
}

/** Users by pseudonym, as everywhere in the log. What Kubernetes reserves for itself names nobody. */
function named(requester: string): NamedUser | string {
  return requester.startsWith('system:') ? requester : { $user: requester };
}
