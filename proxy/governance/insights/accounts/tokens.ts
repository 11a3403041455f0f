import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { parseDurationMs } from '../../../../crds/duration.ts';
import type { OrganizationSpec } from '../../../../crds/resources.generated.ts';
import { accountKeysOf, loginTokenMs, signAccountToken } from '../../../calls/identify/tokens/account-token.ts';
import type { GovernanceInForce } from '../../context.ts';

export type Account = NonNullable<NonNullable<OrganizationSpec['authentication']>['accounts']>[number];

/** What a person gets by logging in, or by a refresh. */
export interface IssuedLogin {
  readonly loginId: string;
  /** A JWT. */
  readonly token: string;
  readonly user: string;
  readonly roles: readonly string[];
  readonly expiresAt: Date;
  /** It can be used once. */
  readonly refreshToken: string;
  /** When the password is needed again. */
  readonly refreshExpiresAt: Date;
}

export interface Lifetimes {
  readonly tokenMs: number;
  readonly sessionMs: number;
}

/** The account of this name, if it is in force. */
export function findStated({ snapshot }: Pick<GovernanceInForce, 'snapshot'>, user: string): Account | undefined {
  return snapshot.spec.authentication?.accounts?.find((account) => account.user === user);
}

export function lifetimesOf({ snapshot }: Pick<GovernanceInForce, 'snapshot'>): Lifetimes {
  const { sessionLifetime = '12h' } = snapshot.spec.authentication?.logins ?? {};
  return { tokenMs: loginTokenMs(snapshot.spec), sessionMs: parseDurationMs(sessionLifetime) };
}

/** Signs a token of a login. It lasts no longer than the login. */
export async function issueToken(
  { snapshot, envelope }: GovernanceInForce,
  account: Account,
  { loginId, refreshToken, refreshExpiresAt }: Pick<IssuedLogin, 'loginId' | 'refreshToken' | 'refreshExpiresAt'>,
): Promise<IssuedLogin> {
  const { organizationId, defaultRoles } = snapshot;
  const roles = account.roles ?? defaultRoles;
  const issuedAtS = Math.floor(Date.now() / 1_000);
  const lastS = Math.floor(refreshExpiresAt.getTime() / 1_000);
  const expiresAtS = Math.min(lastS, issuedAtS + Math.ceil(lifetimesOf({ snapshot }).tokenMs / 1_000));
  const [key] = accountKeysOf(envelope, organizationId);
  if (!key) throw new Error('The organization has no data key');
  const token = await signAccountToken(key, organizationId, {
    ...{ tokenId: randomUUID(), loginId, user: account.user, roles, issuedAtS, expiresAtS },
  });
  const expiresAt = new Date(expiresAtS * 1_000);
  return { loginId, token, user: account.user, roles, expiresAt, refreshToken, refreshExpiresAt };
}

/** A refresh token names its login: `rt_`, the login's id, 256 bits at random. */
export function makeRefreshToken(loginId: string): string {
  return `rt_${loginId}.${randomBytes(32).toString('base64url')}`;
}

/** The login that a refresh token names; undefined where it is none. */
export function loginOfRefreshToken(token: string): string | undefined {
  return /^rt_([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.[A-Za-z0-9_-]{43}$/.exec(token)?.[1];
}

export function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
