import { userIdOf } from '../../../database/ids.ts';
import { type ListedRequest, listRequests as listRows, type RequestFilter } from '../../../database/request-listing.ts';
import { toStorable } from '../../../database/storable.ts';
import type { Caller } from '../../calls/call.ts';
import { ProxyError } from '../../error.ts';
import type { GovernanceContext } from '../context.ts';
import { readFigures } from '../figures/read.ts';
import { readMoment } from '../moment.ts';
import { admitRole, seesOrganization } from '../roles.ts';
import { readUserId } from '../user-id.ts';

export type { ListedRequest };

/** Which calls are asked for. Absent: all. */
export interface RequestQuestion {
  /** Moments, RFC 3339. Without `since`, the period has 30 days. */
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly kind: 'call' | 'analysis' | 'all';
  readonly status?: string | undefined;
  readonly operation?: string | undefined;
  /** External id. */
  readonly user?: string | undefined;
  readonly session?: string | undefined;
  readonly conversationId?: string | undefined;
  readonly personaId?: string | undefined;
  readonly namespace?: string | undefined;
  readonly provider?: string | undefined;
  readonly model?: string | undefined;
  readonly errorCode?: string | undefined;
  readonly guardrail?: string | undefined;
  readonly hasGuardrailHits?: boolean | undefined;
  readonly cacheStatus?: string | undefined;
  readonly minDurationMs?: number | undefined;
  /** The last request id of the page before. */
  readonly before?: string | undefined;
}

/** A page of calls. */
export interface ListedRequests {
  readonly requests: readonly ListedRequest[];
  /** What `before` is for the next page. Null: this one is the last. */
  readonly next: string | null;
}

const defaultDays = 30;

/**
 * Lists recorded calls, the latest first: the caller's own, or any, for who sees the organization. Those that this proxy
 * has answered are among them.
 *
 * @throws {ProxyError} `role_required`, `invalid_request`, `records_pending`, `store_unavailable`
 */
export async function listRequests(
  context: Pick<GovernanceContext, 'inForce' | 'shipped' | 'store'>,
  caller: Caller,
  question: RequestQuestion,
  limit: number,
): Promise<ListedRequests> {
  const { organizationId } = context.inForce().snapshot;
  const filter = readFilter(organizationId, caller, question);
  const rows = await readFigures(context, (db) => listRows(db, organizationId, filter, limit + 1));
  const requests = rows.slice(0, limit);
  return { requests, next: rows.length > limit ? (requests.at(-1)?.requestId ?? null) : null };
}

function readFilter(organizationId: string, caller: Caller, question: RequestQuestion): RequestFilter {
  const { user, before, kind } = question;
  const named = user === undefined ? undefined : userIdOf(organizationId, readUserId('user_id', user));
  if (named !== undefined && named !== caller.userId) admitRole(caller, 'analyst', 'reviewer');
  if (before !== undefined && !/^req_[0-9a-f]{32}$/.test(before)) {
    throw new ProxyError('invalid_request', { param: 'before', message: 'before must be the `next` of an answer' });
  }
  const until = readMoment('until', question.until);
  const text = (value: string | undefined) => (value === undefined ? null : toStorable(value));
  return {
    since: readMoment('since', question.since) ?? daysBefore(until),
    ...{ until, before: before ?? null, kind: kind === 'all' ? null : kind, status: question.status ?? null },
    userId: named ?? (seesOrganization(caller) ? null : caller.userId),
    ...{ conversationId: question.conversationId ?? null, personaId: question.personaId ?? null },
    ...{ operation: text(question.operation), sessionId: text(question.session), namespace: text(question.namespace) },
    ...{ provider: text(question.provider), model: text(question.model), errorCode: text(question.errorCode) },
    ...{ guardrail: text(question.guardrail), hasGuardrailHits: question.hasGuardrailHits ?? false },
    ...{ cacheStatus: question.cacheStatus ?? null, minDurationMs: question.minDurationMs ?? null },
  };
}

function daysBefore(until: string | null): string {
  const end = until === null ? Date.now() : Date.parse(until);
  return new Date(Math.max(0, end - defaultDays * 86_400_000)).toISOString();
}
