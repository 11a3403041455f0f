import type { ConfigRevocation } from '../../database/config.ts';

/** The tokens that are no longer accepted. */
export interface Revocations {
  /** Whether there are no revocations, as is nearly always so. */
  readonly isEmpty: boolean;
  readonly tokenIds: ReadonlySet<string>;
  readonly keyIds: ReadonlySet<string>;
  /** By user id: tokens issued before this time are revoked, in milliseconds since 1970. */
  readonly issuedBeforeByUser: ReadonlyMap<string, number>;
  /** All tokens issued before this time are revoked. */
  readonly issuedBeforeMs: number;
}

/** The facts about a token that revocations refer to. */
export interface RevocableToken {
  readonly tokenId: string | undefined;
  /** Of a token that somebody got by logging in: all tokens of a login are revoked together. */
  readonly loginId?: string | undefined;
  /** Set for tokens that the organization's own keys signed. */
  readonly keyId: string | undefined;
  readonly userId: string | undefined;
  /** Milliseconds since 1970; 0 where the token does not say. */
  readonly issuedAtMs: number;
}

export const noRevocations: Revocations = openRevocations([]);

export function openRevocations(rows: Iterable<ConfigRevocation>, nowMs: number = Date.now()): Revocations {
  const tokenIds = new Set<string>();
  const keyIds = new Set<string>();
  const issuedBeforeByUser = new Map<string, number>();
  let issuedBeforeMs = 0;
  for (const { kind, subject, issued_before_ms, expires_at_ms } of rows) {
    // The database deletes expired revocations without a notification.
    if (expires_at_ms !== null && expires_at_ms < nowMs) continue;
    if (kind === 'token') tokenIds.add(subject);
    else if (kind === 'key') keyIds.add(subject);
    else if (kind === 'user') issuedBeforeByUser.set(subject, issued_before_ms ?? 0);
    else issuedBeforeMs = issued_before_ms ?? 0;
  }
  const isEmpty = tokenIds.size + keyIds.size + issuedBeforeByUser.size === 0 && issuedBeforeMs === 0;
  return { isEmpty, tokenIds, keyIds, issuedBeforeByUser, issuedBeforeMs };
}

/** Whether the token is revoked. A token without an issue time counts as issued before any revocation. */
export function isRevoked(
  { tokenId, loginId, keyId, userId, issuedAtMs }: RevocableToken,
  revocations: Revocations,
): boolean {
  if (revocations.isEmpty) return false;
  return (
    issuedAtMs < revocations.issuedBeforeMs ||
    (tokenId !== undefined && revocations.tokenIds.has(tokenId)) ||
    (loginId !== undefined && revocations.tokenIds.has(loginId)) ||
    (keyId !== undefined && revocations.keyIds.has(keyId)) ||
    (userId !== undefined && issuedAtMs < (revocations.issuedBeforeByUser.get(userId) ?? 0))
  );
}
