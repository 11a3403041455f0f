import { timingSafeEqual } from 'node:crypto';
import { findAccount, openPasswordHash } from '../../../../database/accounts/accounts.ts';
import { endLogin, type LoginRow, lockLogin, refreshLogin } from '../../../../database/accounts/logins.ts';
import { userIdOf } from '../../../../database/ids.ts';
import type { Queryable } from '../../../../database/queryable.ts';
import { inTransaction } from '../../../../database/transaction.ts';
import type { Caller } from '../../../calls/call.ts';
import { ProxyError } from '../../../error.ts';
import type { GovernanceInForce } from '../../context.ts';
import { appendChange, recorded } from '../../recorded.ts';
import type { AccountsContext } from './log-in.ts';
import {
  type Account,
  digest,
  type IssuedLogin,
  issueToken,
  lifetimesOf,
  loginOfRefreshToken,
  makeRefreshToken,
} from './tokens.ts';

/** A client whose answer was lost, or its second window, may show the former token for so long. */
const graceMs = 10_000;
/** Longer than any leeway of clocks. */
const leewayMs = 600_000;

/**
 * Replaces the tokens of a login by new ones. A refresh token that was used before ends the login: somebody has a copy
 * (RFC 9700, section 4.14.2).
 *
 * @throws {ProxyError} `invalid_credentials`, `user_inactive`, `store_unavailable`
 */
export async function refresh(context: AccountsContext, token: string, requestId: string): Promise<IssuedLogin> {
  const loginId = loginOfRefreshToken(token);
  if (loginId === undefined) throw notValid();
  const inForce = context.inForce();
  const { organizationId, inactiveUsers } = inForce.snapshot;
  const refreshToken = makeRefreshToken(loginId);
  const outcome = await context.store.run((db) =>
    inTransaction(db, async () => {
      const login = await lockLogin(db, organizationId, loginId);
      if (!login || login.expiresAt.getTime() <= Date.now()) return 'not valid';
      const account = accountOf(inForce, login);
      if (!account || !(await hasSamePassword(db, inForce, login))) return 'not valid';
      if (inactiveUsers.has(login.accountId)) return 'inactive';
      if (!isSame(login.refreshDigest, digest(token))) {
        const isFormer = login.formerDigest !== null && isSame(login.formerDigest, digest(token));
        const isLate = Date.now() - login.refreshedAt.getTime() > graceMs;
        if (!isFormer || !isLate) return 'not valid';
        await endLogin(db, organizationId, loginId, lastExpiry(inForce));
        const actor = { user: account.user, roles: account.roles ?? [], requestId };
        const change = { action: 'deleted', subject: `Login/${loginId}`, changes: [usedTwice] } as const;
        await appendChange(db, organizationId, actor, change);
        return 'not valid';
      }
      await refreshLogin(db, organizationId, loginId, digest(refreshToken));
      return { account, refreshExpiresAt: login.expiresAt };
    }),
  );
  if (outcome === 'inactive') throw new ProxyError('user_inactive');
  if (outcome === 'not valid') throw notValid();
  const { account, refreshExpiresAt } = outcome;
  return issueToken(inForce, account, { loginId, refreshToken, refreshExpiresAt });
}

/**
 * Ends the login that the caller's token comes from. No proxy accepts its tokens after the time to effect.
 *
 * @throws {ProxyError} `invalid_request` where the credential comes from no login; `store_unavailable`
 */
export async function logOut(context: AccountsContext, caller: Caller): Promise<void> {
  const { loginId } = caller.identity;
  if (loginId === undefined) {
    const message = 'the credential of this request comes from no login, so there is nothing to end';
    throw new ProxyError('invalid_request', { message });
  }
  const inForce = context.inForce();
  const { organizationId } = inForce.snapshot;
  await recorded(
    context,
    caller,
    (db) => endLogin(db, organizationId, loginId, lastExpiry(inForce)),
    (isEnded) => (isEnded ? { action: 'deleted', subject: `Login/${loginId}`, changes: [] } : undefined),
  );
  await context.catchUp();
}

const usedTwice = { field: 'login.refresh_token', after: 'used twice' };

function accountOf({ snapshot }: GovernanceInForce, { accountId }: LoginRow): Account | undefined {
  const { accounts = [] } = snapshot.spec.authentication ?? {};
  return accounts.find(({ user }) => userIdOf(snapshot.organizationId, user) === accountId);
}

/** Whoever changes a password, perhaps since it is known to others, ends what it has opened. */
async function hasSamePassword(
  db: Queryable,
  { snapshot, envelope }: GovernanceInForce,
  { accountId, passwordDigest }: LoginRow,
): Promise<boolean> {
  const { organizationId } = snapshot;
  const row = await findAccount(db, organizationId, accountId);
  if (row?.accountId !== accountId) return false;
  const text = openPasswordHash(envelope, { organizationId, accountId }, row.passwordSealed);
  return isSame(passwordDigest, digest(text));
}

function lastExpiry(inForce: GovernanceInForce): Date {
  return new Date(Date.now() + lifetimesOf(inForce).tokenMs + leewayMs);
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}

function notValid(): ProxyError {
  return new ProxyError('invalid_credentials', {
    param: 'refresh_token',
    message: 'the refresh token is not valid, or no longer; log in again',
  });
}
