import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';

/** The same reason is logged no more often than this: whoever likes can send tokens that are refused. */
const restMs = 60_000;

/** Makes the log of why tokens were refused, for whoever has set their issuer up. Nothing that a token says is in it. */
export function makeTokenRefusalLog(log: Pick<Logger, 'warn'>): (kind: string | undefined, cause: unknown) => void {
  const told = new LRUCache<string, true>({ max: 100, ttl: restMs });
  return (kind = 'unknown', cause) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const name = `${kind} ${reason}`;
    if (told.has(name)) return;
    told.set(name, true);
    log.warn({ issuer: kind, reason }, 'tokens are refused');
  };
}
