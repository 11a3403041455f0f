/** A credential that somebody has signed in with. It is in this tab alone, and gone with it. */
export interface Session {
  readonly token: string;
  /** What `X-User-ID` says, where the credential names no user. */
  readonly user?: string | undefined;
  /** Of a login with a password. */
  readonly refreshToken?: string | undefined;
  /** Milliseconds since 1970. Undefined: the credential itself knows. */
  readonly expiresAtMs?: number | undefined;
}

/** What `POST /api/v1/auth/login` and `/refresh` answer, in `data`. */
export interface IssuedLogin {
  readonly token: string;
  readonly expires_at: string;
  readonly refresh_token: string;
}

export interface Sessions {
  current(): Session | undefined;
  begin(session: Session): void;
  end(): void;
  /** The token, renewed where it is about to end. */
  freshToken(): Promise<string | undefined>;
}

export interface SessionsOptions {
  readonly storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;
  readonly nowMs: () => number;
  /** Gets a new login for a refresh token, which is then used up. */
  readonly renew: (refreshToken: string) => Promise<IssuedLogin>;
}

const name = 'chaperone-console';
/** So long before its end a token is renewed. */
const marginMs = 60_000;

export function makeSessions({ storage, nowMs, renew }: SessionsOptions): Sessions {
  let session = read(storage);
  let renewing: Promise<void> | undefined;
  const keep = (next: Session | undefined) => {
    session = next;
    if (next) storage.setItem(name, JSON.stringify(next));
    else storage.removeItem(name);
  };
  const renewOnce = async (former: Session, refreshToken: string) => {
    try {
      const issued = await renew(refreshToken);
      // Whoever has signed out meanwhile stays so.
      if (session === former) keep({ ...former, ...sessionOf(issued) });
    } catch {
      // The request itself then says what is wrong.
    }
  };
  return {
    current: () => session,
    begin: keep,
    end: () => keep(undefined),
    async freshToken() {
      const { refreshToken, expiresAtMs } = session ?? {};
      if (session && refreshToken !== undefined && expiresAtMs !== undefined && expiresAtMs - marginMs < nowMs()) {
        renewing ??= renewOnce(session, refreshToken).finally(() => {
          renewing = undefined;
        });
        await renewing;
      }
      return session?.token;
    },
  };
}

export function sessionOf({ token, expires_at, refresh_token }: IssuedLogin): Session {
  return { token, refreshToken: refresh_token, expiresAtMs: Date.parse(expires_at) };
}

function read(storage: Pick<Storage, 'getItem'>): Session | undefined {
  try {
    const kept: unknown = JSON.parse(storage.getItem(name) ?? 'null');
    return isSession(kept) ? kept : undefined;
  } catch {
    return undefined;
  }
}

function isSession(value: unknown): value is Session {
  return typeof value === 'object' && value !== null && 'token' in value && typeof value.token === 'string';
}
