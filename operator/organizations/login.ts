import { isPasswordRefused } from '../../database/roles.ts';
import type { OrganizationCredentials } from '../credentials.ts';

/** The database login of an organization's proxies. */
export interface Login {
  readonly role: string;
  readonly password: string;
}

/** Checks whether the database accepts logins. */
export interface LoginCheck {
  /** Whether the database refuses the password of a login. */
  isRefused(login: Login): Promise<boolean>;
  /** Notes a role's new password. */
  noteIssued(login: Login): void;
}

/**
 * The login that was handed out, if the database still has the role.
 *
 * @param role the organization's role in the database
 */
export function loginOf(
  credentials: OrganizationCredentials | undefined,
  organizationId: string,
  role: string | undefined,
): Login | undefined {
  if (role === undefined || credentials?.organization.id !== organizationId) return undefined;
  if (!URL.canParse(credentials.databaseUrl)) return undefined;
  const { username, password } = new URL(credentials.databaseUrl);
  return username === role ? { role, password: decodeURIComponent(password) } : undefined;
}

export function withLogin(databaseUrl: string, { role, password }: Login): string {
  const url = new URL(databaseUrl);
  url.username = role;
  url.password = password;
  return url.href;
}

/**
 * Tries passwords. A right password is tried at most once in `restMs`, since a login costs more than all other queries
 * about an organization.
 */
export function makeLoginCheck(databaseUrl: string, restMs: number): LoginCheck {
  const accepted = new Map<string, { readonly password: string; readonly atMs: number }>();
  const noteIssued = ({ role, password }: Login) => void accepted.set(role, { password, atMs: performance.now() });
  return {
    noteIssued,
    async isRefused(login) {
      const { role, password } = login;
      const last = accepted.get(role);
      if (last?.password === password && performance.now() - last.atMs < restMs) return false;
      accepted.delete(role);
      if (await isPasswordRefused(withLogin(databaseUrl, login))) return true;
      noteIssued(login);
      return false;
    },
  };
}
