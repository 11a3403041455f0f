import { extname } from 'node:path';
import type { CacheableCall } from '../cache/cacheable-call.ts';
import type { Body } from '../providers/json.ts';
import type { Admitted } from './admit/admission.ts';
import { goneOf } from './cacheable-call.ts';
import type { FormRequest } from './call-request.ts';
import type { Form } from './receive/form.ts';
import { sentModel } from './route/sent-model.ts';

/**
 * A call with a form that has been read to its end, as the cache needs to know it. Files count by what is in them, and by
 * the ending of their names, by which providers tell formats apart.
 *
 * @param passes the client's headers that go to the provider beside those that always do
 */
export function cacheableForm(
  { context, operation, headers, response }: FormRequest,
  { fields, files }: Form['content'],
  { key, model }: Pick<Admitted, 'key' | 'model'>,
  passes: readonly string[],
): CacheableCall {
  const { caller, inForce, startedAtMs, share } = context;
  const sorted: Body = Object.fromEntries(Object.entries(fields).toSorted(([one], [other]) => (one < other ? -1 : 1)));
  return {
    snapshot: inForce.snapshot,
    envelope: inForce.envelope,
    operation: operation.name,
    effects: 'none',
    headers,
    passes,
    body: {
      fields: sorted,
      files: files.map(({ field, name, type, sha256 }) => [field, extname(name), type, sha256]),
    },
    exactText: undefined,
    model,
    sentModel: sentModel(key, model),
    hideUsage: false,
    user: caller.user,
    userId: caller.userId,
    sessionId: undefined,
    key,
    hasReferences: false,
    startedAtMs,
    addAnswer: (bytes) => share.addAnswer(bytes),
    gone: goneOf(response),
  };
}
