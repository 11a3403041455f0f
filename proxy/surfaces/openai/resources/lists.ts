import { admitSurface } from '../../../calls/admit/admit.ts';
import { listOwn, type ReadPage } from '../../../calls/resources/list.ts';
import { upstreamHeaders } from '../../../calls/upstream-headers.ts';
import { ProxyError } from '../../../error.ts';
import { onceClosed } from '../../../http/once-closed.ts';
import type { SurfaceApp } from '../../../http/surface.ts';
import { parseObject } from '../../../providers/json.ts';
import { readWhole, relay } from '../../../providers/relay.ts';
import type { OpenAiContext } from '../context.ts';
import { describeStored } from '../describe/stored.ts';
import { incompleteHeader } from '../model-lists.ts';
import { collections, type ResourceKind } from './routes.ts';

type Query = Readonly<Record<string, unknown>>;

/** The kinds that a provider lists, with how many it shows unless told, and its own narrowing of the list. */
const lists: readonly { readonly kind: ResourceKind; readonly limit: number; readonly passed: readonly string[] }[] = [
  { kind: 'file', limit: 10_000, passed: ['order', 'purpose'] },
  { kind: 'batch', limit: 20, passed: [] },
  { kind: 'vector_store', limit: 20, passed: ['order'] },
];

const pageTimeoutMs = 10_000;

/** `GET /v1/files` and their like: the caller's own, of all that their keys know. */
export function registerLists(app: SurfaceApp, options: OpenAiContext): void {
  const { inForce, ownership, exchange, metrics, log } = options;
  for (const { kind, limit, passed } of lists) {
    const { path, surface } = collections[kind];
    app.get<{ Querystring: Query }>(path, { schema: describeStored('GET', path) }, async (request, reply) => {
      const { snapshot } = inForce();
      admitSurface(snapshot, surface);
      const after = readText(request.query, 'after');
      const asked = { limit: readLimit(request.query, limit), after };
      if (readText(request.query, 'before') !== undefined) {
        throw new ProxyError('invalid_request', { param: 'before', message: 'before is not supported; use after' });
      }
      const gone = new AbortController();
      onceClosed(reply.raw, () => gone.abort());
      const owned = await ownership.list(kind, request.caller);
      const isMerged = owned.some(({ api_key_id }) => api_key_id !== owned[0]?.api_key_id);
      const readPage: ReadPage = async (apiKeyId, cursor) => {
        const key = snapshot.keys.get(apiKeyId);
        if (!key) return {};
        const query = new URLSearchParams({ limit: '100', ...(cursor === undefined ? {} : { after: cursor }) });
        for (const name of passed) {
          const value = readText(request.query, name);
          if (value !== undefined) query.set(name, value);
        }
        const headers = upstreamHeaders(request.headers, snapshot, request.caller, key.provider);
        const page = { method: 'GET', path: `${path}?${query}`, key, headers, body: undefined } as const;
        // One provider that does not answer must not keep a list of several waiting for long.
        const signal = isMerged ? AbortSignal.any([gone.signal, AbortSignal.timeout(pageTimeoutMs)]) : gone.signal;
        const answered = await relay(exchange, { ...page, signal });
        metrics.relayed.inc({ resource: kind, method: 'GET', status: `${Math.floor(answered.status / 100)}xx` });
        const body = parseObject((await readWhole(answered, request.share)).toString('utf8'));
        if (answered.status !== 200 || !body) throw new ProxyError('upstream_invalid_response');
        return body;
      };
      const missing = new Set<string>();
      const list = await listOwn(owned, asked, readPage, (apiKeyId, { code }) => {
        const provider = snapshot.keys.get(apiKeyId)?.provider.name ?? '';
        missing.add(provider);
        log.warn({ provider, code, kind }, 'a provider cannot list what it keeps');
      });
      reply.headers(incompleteHeader([...missing]));
      return list;
    });
  }
}

function readText(query: Query, name: string): string | undefined {
  const value = query[name];
  if (value === undefined || typeof value === 'string') return value;
  throw new ProxyError('invalid_request', { param: name, message: `${name} must be given once` });
}

function readLimit(query: Query, fallback: number): number {
  const text = readText(query, 'limit');
  if (text === undefined) return fallback;
  const limit = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= 10_000) return limit;
  throw new ProxyError('invalid_request', { param: 'limit', message: 'limit must be a whole number from 1 to 10000' });
}
