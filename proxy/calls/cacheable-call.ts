import type { CacheableCall } from '../cache/cacheable-call.ts';
import { ProxyError } from '../error.ts';
import type { Permitted } from './admit/permit.ts';
import type { ClientResponse } from './answer/client-response.ts';
import type { OpenRequest } from './call-request.ts';
import { clientGone } from './client-gone.ts';
import { sentModel } from './route/sent-model.ts';

/**
 * An admitted call, as the cache needs to know it.
 *
 * @param gone the signal that is aborted when nobody waits for the answer any more
 */
export function cacheableCallOf(
  request: Pick<OpenRequest, 'context' | 'headers'>,
  { context, source, first }: Permitted,
  gone: () => AbortSignal,
): CacheableCall {
  const { caller, inForce, startedAtMs, share } = context;
  const { operation, body, model, asked } = source;
  const beginsSession = caller.sessionFrom === undefined && caller === request.context.caller;
  return {
    snapshot: inForce.snapshot,
    envelope: inForce.envelope,
    operation: operation.name,
    effects: operation.effects?.(body) ?? 'none',
    headers: request.headers,
    passes: first.format.passes ?? [],
    body,
    exactText: asked.facts.hasInexactNumbers ? asked.text : undefined,
    model,
    sentModel: sentModel(first.key, model),
    hideUsage: first.hideUsage,
    user: caller.user,
    userId: caller.userId,
    sessionId: beginsSession ? undefined : caller.sessionId,
    key: first.key,
    hasReferences: asked.fields.references.length > 0,
    startedAtMs,
    addAnswer: (bytes) => share.addAnswer(bytes),
    gone,
  };
}

/** Aborted when the client leaves. */
export function goneOf(response: ClientResponse): () => AbortSignal {
  let controller: AbortController | undefined;
  return () => {
    if (controller) return controller.signal;
    const made = new AbortController();
    controller = made;
    const abort = () => made.abort(new ProxyError('upstream_interrupted', { cause: clientGone }));
    if (response.destroyed) abort();
    else response.once('close', abort);
    return made.signal;
  };
}
