import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';

/** How often the same reason is logged at most, since anybody can send bad tokens. */
const restMs = 60_000;

/** Makes the log of refused tokens, for the person who sets up the issuer. It contains nothing from a token. */
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
