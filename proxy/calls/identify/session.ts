import { hash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Reference } from '../../../crds/read-call-fields.ts';
import type { OrganizationSpec } from '../../../crds/resources.generated.ts';
import type { Body } from '../../providers/json.ts';
import type { Caller } from '../call.ts';
import type { Predecessor } from '../resources/ownership.ts';

/** Where the session of a call may come from that names none by `X-Session-ID`, as `spec.sessions.inferFrom` lists it. */
export type SessionSource = NonNullable<NonNullable<OrganizationSpec['sessions']>['inferFrom']>[number];
export type SessionSources = ReadonlySet<SessionSource>;

export const maxSessionIdLength = 128;

/** The session in the client's own headers. Codex sends `session_id`, and later versions `session-id`. */
export function readClientSession(headers: IncomingHttpHeaders, sources: SessionSources): string | undefined {
  if (!sources.has('ClientSession')) return undefined;
  return toSessionId(headers['session-id'] ?? headers.session_id);
}

/**
 * The caller with the session that its call belongs to, which shows only in the body: that of the response that it
 * follows, else its conversation, else the one that the client named in a header, else its `prompt_cache_key`.
 * What it refers to is the caller's own by now, so no session of another user's can be meant.
 */
export function withInferredSession(
  caller: Caller,
  { references, predecessor, body }: SessionClues,
  sources: SessionSources,
): Caller {
  if (sources.size === 0 || caller.sessionFrom === 'session') return caller;
  const sessionId =
    (sources.has('PreviousResponse') ? predecessor?.sessionId : undefined) ??
    (sources.has('Conversation') ? toSessionId(conversationOf(references)) : undefined) ??
    (sources.has('ClientSession') && caller.sessionFrom !== 'client' ? toSessionId(body.prompt_cache_key) : undefined);
  return sessionId === undefined ? caller : { ...caller, sessionId };
}

export interface SessionClues {
  readonly references: readonly Reference[];
  readonly predecessor: Predecessor | undefined;
  readonly body: Body;
}

function conversationOf(references: readonly Reference[]): string | undefined {
  return references.find(({ kind }) => kind === 'conversation')?.id;
}

/** Clients choose these values: what no header could hold, or is too long, stands as a digest. */
function toSessionId(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const id = value.trim();
  if (id === '') return undefined;
  if (id.length <= maxSessionIdLength && /^[\x20-\x7e]+$/.test(id)) return id;
  return `sess_${hash('sha256', id, 'hex').slice(0, 24)}`;
}
