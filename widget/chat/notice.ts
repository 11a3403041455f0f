import { ApiError, ChatConnectionError, ChatError, ChatTimeoutError } from '../../clients/javascript/src/index.ts';
import type { Texts } from '../texts/en.ts';
import { fill } from '../texts/table.ts';

/** What the visitor must know. */
export type Notice =
  | { readonly kind: 'offline' | 'unreachable' | 'unavailable' | 'blocked' | 'failed' | 'expired' }
  /** Undefined: the server does not say when the visitor may write again. */
  | { readonly kind: 'tooMany'; readonly untilMs: number | undefined };

interface Moment {
  readonly isOnline: boolean;
  readonly nowMs: number;
}

/** What has gone wrong, as far as the visitor can do something about it. */
export function noticeOf(error: unknown, { isOnline, nowMs }: Moment): Notice {
  if (error instanceof ChatConnectionError || error instanceof ChatTimeoutError) {
    return { kind: isOnline ? 'unreachable' : 'offline' };
  }
  if (!(error instanceof ChatError)) return { kind: 'failed' };
  if (error.code === 'guardrail_blocked') return { kind: 'blocked' };
  if (error.code === 'insufficient_quota') return { kind: 'unavailable' };
  if (error.code === 'limit_reached') {
    const waitMs = error instanceof ApiError ? error.retryAfterMs : undefined;
    return { kind: 'tooMany', untilMs: waitMs === undefined ? undefined : nowMs + waitMs };
  }
  const isRefused = error instanceof ApiError && [401, 403, 404, 422].includes(error.status);
  return { kind: isRefused ? 'unavailable' : 'failed' };
}

/** @param language a language tag */
export function sayNotice(notice: Notice, texts: Texts, language: string, nowMs: number): string {
  if (notice.kind !== 'tooMany') return texts[notice.kind];
  if (notice.untilMs === undefined) return texts.unavailable;
  const seconds = Math.ceil((notice.untilMs - nowMs) / 1000);
  return seconds <= 0 ? texts.tooManyNow : fill(texts.tooMany, { when: sayWait(seconds, language) });
}

/** Seconds up to a minute and a half, else minutes. */
function sayWait(seconds: number, language: string): string {
  const format = new Intl.RelativeTimeFormat([language, 'en']);
  return seconds > 90 ? format.format(Math.ceil(seconds / 60), 'minute') : format.format(seconds, 'second');
}
