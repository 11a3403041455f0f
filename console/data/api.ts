import { ApiError, readProblem } from './problem.ts';
import type { Sessions } from './session.ts';

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** The public API, with the credential of whoever has signed in. */
export interface Api {
  /** @throws {ApiError} */
  get<Answer>(path: string, query?: Query): Promise<Answer>;
  /** @throws {ApiError} */
  send<Answer>(method: 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body?: unknown): Promise<Answer>;
}

export interface ApiOptions {
  readonly sessions: Sessions;
  /** Ends requests of a page that was left. */
  readonly signal?: AbortSignal;
  /** Told where the credential is not accepted any more. */
  readonly onRefused: () => void;
}

export function makeApi({ sessions, signal, onRefused }: ApiOptions): Api {
  const ask = async <Answer>(method: string, path: string, body?: unknown): Promise<Answer> => {
    const token = await sessions.freshToken();
    const user = sessions.current()?.user;
    try {
      return await request<Answer>(path, {
        method,
        headers: {
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(user !== undefined && { 'x-user-id': user }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        ...(signal && { signal }),
      });
    } catch (error) {
      if (error instanceof ApiError && error.problem.status === 401) onRefused();
      throw error;
    }
  };
  return {
    get: (path, query = {}) => ask('GET', withQuery(path, query)),
    send: (method, path, body) => ask(method, path, body),
  };
}

/** Makes a request without a credential. @throws {ApiError} */
export async function request<Answer>(path: string, init: RequestInit): Promise<Answer> {
  const response = await fetch(addressOf(path), { ...init, credentials: 'omit', cache: 'no-store' }).catch(
    (error: unknown) => {
      if (error instanceof DOMException && error.name === 'AbortError') throw error;
      throw new ApiError({
        ...{ status: 0, code: 'unreachable', message: 'The proxy cannot be reached', field: undefined, fields: {} },
        ...{ requestId: undefined, retryAfterS: undefined },
      });
    },
  );
  const text = await response.text();
  const body = parse(text);
  if (response.ok) return body as Answer;
  throw new ApiError(
    readProblem(body, {
      status: response.status,
      requestId: response.headers.get('x-request-id') ?? undefined,
      retryAfter: response.headers.get('retry-after') ?? undefined,
    }),
  );
}

/** Below the address that the page has, whatever is before `/console` in it. */
function addressOf(path: string): string {
  return `${location.pathname.replace(/\/console(\/.*)?$/, '')}${path}`;
}

function withQuery(path: string, query: Query): string {
  const stated = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  if (stated.length === 0) return path;
  return `${path}?${new URLSearchParams(stated.map(([name, value]) => [name, String(value)]))}`;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
