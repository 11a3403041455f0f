import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import type { Envelope } from '../../database/envelope.ts';
import type { Body } from '../providers/json.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import type { CacheableCall } from './cacheable-call.ts';

/** Raise it when answers are kept in another way. */
const version = 1;

/** What clients accept whose answer is JSON: the SDKs say the last, others one of the first. */
const likeJson: ReadonlySet<unknown> = new Set([undefined, '*/*', 'application/json']);

export interface AnswerIdOptions {
  readonly call: CacheableCall;
  /** Undefined: every user gets the answer again. */
  readonly userId: string | undefined;
  /** Undefined: every session. */
  readonly sessionId: string | undefined;
}

/**
 * The key of an answer: a keyed digest of all that may decide about it. Two calls have the same only if they are the
 * same call, to the same provider key, under the same guardrails.
 *
 * Of the body, blanks and the order of its own fields do not count. Within a field, the order counts: a model fills a
 * schema in the order of its properties.
 */
export function answerId({ call, userId, sessionId }: AnswerIdOptions): Buffer {
  const { snapshot, envelope, operation, key, body, exactText, sentModel, hideUsage } = call;
  const { name, type, origin, basePath } = key.provider;
  const text = JSON.stringify([
    version,
    [userId ?? null, sessionId ?? null],
    operation,
    [key.id, name, type, origin, basePath, sentModel ?? null],
    [likeJson.has(call.headers.accept) ? null : call.headers.accept],
    ['openai-beta', ...call.passes].map((header) => call.headers[header] ?? null),
    revisionOf(snapshot.spec),
    hideUsage,
    exactText ?? null,
  ]);
  return createHmac('sha256', digestKeyOf(envelope, snapshot.organizationId))
    .update(text)
    .update(canonical(body))
    .digest();
}

function canonical(body: Body): string {
  const fields: Record<string, unknown> = {};
  for (const name of Object.keys(body).sort()) fields[`.${name}`] = body[name];
  return JSON.stringify(fields);
}

const digestKeys = new WeakMap<Envelope, KeyObject>();

function digestKeyOf(envelope: Envelope, organizationId: string): KeyObject {
  const known = digestKeys.get(envelope);
  if (known) return known;
  const made = createSecretKey(envelope.digest(organizationId, 'cached_answers.answer_id', ''));
  digestKeys.set(envelope, made);
  return made;
}

const revisions = new WeakMap<object, string>();

/** The guardrails in force. An edit of them is another revision, even one that changes only its words. */
function revisionOf({ guardrails }: Snapshot['spec']): string {
  if (guardrails === undefined) return '';
  const known = revisions.get(guardrails);
  if (known !== undefined) return known;
  const made = JSON.stringify(guardrails);
  revisions.set(guardrails, made);
  return made;
}
