import { parseDurationMs } from '../../crds/duration.ts';
import type { OrganizationSpec } from '../../crds/resources.generated.ts';
import { type FitsCall, makeCallMatch } from '../snapshot/call-match.ts';
import type { AnswerIdOptions } from './answer-id.ts';
import type { Bypass } from './cache-look.ts';
import { reachOf } from './cacheable.ts';
import type { CacheableCall } from './cacheable-call.ts';

/** `spec.cache`, ready for use. */
export interface Policy {
  readonly isShared: boolean;
  readonly ttlMs: number;
  readonly maxBytes: number;
  readonly maxEntryBytes: number;
  readonly fits: FitsCall;
}

/** Each organization's cache is compiled once per configuration. */
export function makePolicies(): (cache: NonNullable<OrganizationSpec['cache']>) => Policy {
  const known = new WeakMap<object, Policy>();
  return (cache) => {
    const found = known.get(cache);
    if (found) return found;
    const made: Policy = {
      isShared: cache.scope === 'Organization',
      ttlMs: parseDurationMs(cache.ttl),
      maxBytes: cache.maxBytes,
      maxEntryBytes: cache.maxEntryBytes,
      fits: makeCallMatch(cache.match),
    };
    known.set(cache, made);
    return made;
  };
}

/** Among whose answers that of a call is, or why it is nowhere. */
export type AnswerPlace = Omit<AnswerIdOptions, 'call'> | { readonly bypass: Bypass };

/** @param workload the pod whose call it is. Undefined outside of pods. */
export function placeOf(
  call: CacheableCall,
  { isShared, fits }: Policy,
  workload: { readonly namespace: string; readonly workload: string } | undefined,
): AnswerPlace {
  const { model, operation, user, sessionId } = call;
  // Without a user, nobody knows who else is one of these callers.
  if (!isShared && user === undefined)
    return bypass('it has no user, and each user has answers apart', 'spec.cache.scope');
  if (!fits({ model, operation, user, workload })) return bypass('it does not match', 'spec.cache.match');
  const reach = reachOf(call);
  if (reach.to === 'nowhere') return bypass(reach.because);
  if (reach.to === 'session' && sessionId === undefined)
    return bypass('it offers tools, so its answer is for one session, and it names none');
  // A session is one user's.
  const isOwn = !isShared || reach.to === 'session';
  return {
    userId: isOwn ? call.userId : undefined,
    sessionId: reach.to === 'session' ? sessionId : undefined,
  };
}

function bypass(because: string, field?: string): AnswerPlace {
  return { bypass: { because, field } };
}
