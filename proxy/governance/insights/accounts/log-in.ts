import { randomUUID } from 'node:crypto';
import { findAccount, openPasswordHash } from '../../../../database/accounts/accounts.ts';
import { insertLogin } from '../../../../database/accounts/logins.ts';
import { EnvelopeError } from '../../../../database/envelope.ts';
import { userIdOf } from '../../../../database/ids.ts';
import { isPassword, type PasswordHash, readPasswordHash } from '../../../../database/password-hash.ts';
import { isUserId } from '../../../calls/identify/user-id.ts';
import { ProxyError } from '../../../error.ts';
import type { GovernanceContext } from '../../context.ts';
import { recorded } from '../../recorded.ts';
import { admitAttempt, noteSuccess } from './attempts.ts';
import { type CheckPassword, makeCheckPassword } from './check-password.ts';
import { digest, findStated, type IssuedLogin, issueToken, lifetimesOf, makeRefreshToken } from './tokens.ts';

export type AccountsContext = Pick<GovernanceContext, 'inForce' | 'store' | 'catchUp'>;

export interface LoginRequest {
  readonly user: string;
  readonly password: string;
  /** Where it comes from. */
  readonly address: string;
  readonly requestId: string;
}

export type LogIn = ReturnType<typeof makeLogIn>;

/** Makes the login by an account and its password. */
export function makeLogIn(context: AccountsContext, checkPassword: CheckPassword = makeCheckPassword()) {
  /**
   * @throws {ProxyError} `invalid_credentials`, the same and as late for an unknown account as for a wrong password;
   * `user_inactive`, `limit_reached`, `overloaded`, `store_unavailable`
   */
  return async ({ user, password, address, requestId }: LoginRequest): Promise<IssuedLogin> => {
    const inForce = context.inForce();
    const { organizationId, inactiveUsers } = inForce.snapshot;
    const accountId = userIdOf(organizationId, user);
    const attempt = { accountId, address };
    await admitAttempt(context, attempt);
    const account = findStated(inForce, user);
    const stored = await readHash(context, accountId);
    const isRight = stored !== undefined && isPassword(password) && (await checkPassword(stored.hash, password));
    if (!isRight || !account || stored.accountId !== accountId || !isUserId(user)) throw wrong();
    if (inactiveUsers.has(accountId)) throw new ProxyError('user_inactive', { param: 'username' });
    await noteSuccess(context, attempt);

    const loginId = randomUUID();
    const refreshToken = makeRefreshToken(loginId);
    const refreshExpiresAt = new Date(Date.now() + lifetimesOf(inForce).sessionMs);
    const issued = await issueToken(inForce, account, { loginId, refreshToken, refreshExpiresAt });
    await recorded(
      context,
      { user, roles: issued.roles, requestId },
      (db) =>
        insertLogin(db, organizationId, {
          ...{ loginId, accountId, expiresAt: refreshExpiresAt },
          ...{ refreshDigest: digest(refreshToken), passwordDigest: digest(stored.text) },
        }),
      () => ({ action: 'created', subject: `Login/${loginId}`, changes: [] }),
    );
    return issued;
  };
}

interface StoredHash {
  readonly accountId: string;
  readonly text: string;
  readonly hash: PasswordHash;
}

/** The hash of the account; of another one, where there is none. Undefined where nobody can log in. */
async function readHash({ inForce, store }: AccountsContext, wanted: string): Promise<StoredHash | undefined> {
  const { snapshot, envelope } = inForce();
  const { organizationId } = snapshot;
  const row = await store.run((db) => findAccount(db, organizationId, wanted));
  if (!row) return undefined;
  const { accountId, passwordSealed } = row;
  try {
    const text = openPasswordHash(envelope, { organizationId, accountId }, passwordSealed);
    const hash = readPasswordHash(text);
    return hash && { accountId, text, hash };
  } catch (error) {
    // The operator seals it anew with a key that is known.
    if (error instanceof EnvelopeError) return undefined;
    throw error;
  }
}

function wrong(): ProxyError {
  return new ProxyError('invalid_credentials', { message: 'the username or the password is wrong' });
}
