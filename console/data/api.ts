import { ApiError, readProblem } from './problem.ts';
import type { Sessions } from './session.ts';

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** The public API, with the credential of whoever has signed in. */
export interface Api {
  /** @throws {ApiError} */
  get<Answer>(path: string, query?: Query): Promise<Answer>;
  /** Opens a stream of events. @throws {ApiError} */
  open(path: string, query: Query, signal: AbortSignal): Promise<ReadableStream<Uint8Array>>;
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
  const credential = async () => {
    const token = await sessions.freshToken();
    const user = sessions.current()?.user;
    return {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(user !== undefined && { 'x-user-id': user }),
    };
  };
  const ask = async <Answer>(method: string, path: string, body?: unknown): Promise<Answer> => {
    try {
      return await request<Answer>(path, {
        method,
        headers: {
          ...(await credential()),
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
    async open(path, query, until) {
      const answer = await send(withQuery(path, query), { headers: await credential(), signal: until });
      if (answer.ok && answer.body) return answer.body;
      throw new ApiError(readProblem(parse(await answer.text()), headOf(answer)));
    },
    send: (method, path, body) => ask(method, path, body),
  };
}

/** Makes a request without a credential. @throws {ApiError} */
export async function request<Answer>(path: string, init: RequestInit): Promise<Answer> {
  const response = await send(path, init);
  const text = await response.text();
  const body = parse(text);
  if (response.ok) return body as Answer;
  throw new ApiError(readProblem(body, headOf(response)));
}

function send(path: string, init: RequestInit): Promise<Response> {
  return fetch(addressOf(path), { ...init, credentials: 'omit', cache: 'no-store' }).catch((error: unknown) => {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiError({
      ...{ status: 0, code: 'unreachable', message: 'The proxy cannot be reached', field: undefined, fields: {} },
      ...{ requestId: undefined, retryAfterS: undefined },
    });
  });
}

function headOf({ status, headers }: Response) {
  return {
    status,
    requestId: headers.get('x-request-id') ?? undefined,
    retryAfter: headers.get('retry-after') ?? undefined,
  };
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
