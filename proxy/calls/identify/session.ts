import { hash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Reference } from '../../../crds/read-call-fields.ts';
import type { OrganizationSpec } from '../../../crds/resources.generated.ts';
import type { Body } from '../../providers/json.ts';
import type { Caller } from '../call.ts';
import type { Predecessor } from '../resources/ownership.ts';

/** A source for the session of a call without `X-Session-ID`, as listed in `spec.sessions.inferFrom`. */
export type SessionSource = NonNullable<NonNullable<OrganizationSpec['sessions']>['inferFrom']>[number];
export type SessionSources = ReadonlySet<SessionSource>;

export const maxSessionIdLength = 128;

/** Reads the session from the client's own headers. Codex sends `session_id`, and later versions `session-id`. */
export function readClientSession(headers: IncomingHttpHeaders, sources: SessionSources): string | undefined {
  if (!sources.has('ClientSession')) return undefined;
  return toSessionId(headers['session-id'] ?? headers.session_id);
}

/**
 * Infers the session from the body: that of the previous response, else the conversation, else the one in the client's
 * own header, else the `prompt_cache_key`. The references were already checked, so the session cannot be another
 * user's.
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
  return sessionId === undefined ? caller : { ...caller, sessionId, sessionFrom: 'body' };
}

export interface SessionClues {
  readonly references: readonly Reference[];
  readonly predecessor: Predecessor | undefined;
  readonly body: Body;
}

function conversationOf(references: readonly Reference[]): string | undefined {
  return references.find(({ kind }) => kind === 'conversation')?.id;
}

/** Clients choose these values. A value that is too long, or that a header cannot hold, becomes a digest. */
function toSessionId(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const id = value.trim();
  if (id === '') return undefined;
  if (id.length <= maxSessionIdLength && /^[\x20-\x7e]+$/.test(id)) return id;
  return ['sess_', hash('sha256', id, 'hex').slice(0, 24)].join('');
}
