import type { RequestListener } from 'node:http';
import { requireApiKey } from './api-key.ts';
import { makeCallLog } from './call-log.ts';
import { clearCalls, listCalls, readCall } from './endpoints/calls.ts';
import { makeChatCompletions } from './endpoints/chat-completions.ts';
import { makeEmbeddings } from './endpoints/embeddings.ts';
import { listModels, readModel } from './endpoints/models.ts';
import { makeResponses } from './endpoints/responses.ts';
import { deleteResponse, listInputItems, readResponse } from './endpoints/stored-responses.ts';
import { answerGenerativeCall, type Exchange, type GenerativeEndpoint } from './generative-call.ts';
import { requestId } from './ids.ts';
import type { JsonObject } from './json.ts';
import type { Look } from './lookup.ts';
import { errorEnvelope, errorOfStatus, ProviderError } from './provider-error.ts';
import { makeResponseStore } from './response-store.ts';

type Route =
  | { method: 'POST'; path: string; endpoint: GenerativeEndpoint }
  | { method: 'GET' | 'DELETE'; path: string; open?: true; look: Look };

/** The sandbox as a listener for `node:http`, with accounts and stored responses of its own. */
export function makeApp(): RequestListener {
  const calls = makeCallLog();
  const responses = makeResponseStore();
  const generative = (endpoint: GenerativeEndpoint): Route => ({ method: 'POST', path: endpoint.path, endpoint });
  const routes: Route[] = [
    generative(makeResponses(responses)),
    generative(makeChatCompletions()),
    generative(makeEmbeddings()),
    { method: 'GET', path: '/v1/responses/:id', look: readResponse },
    { method: 'DELETE', path: '/v1/responses/:id', look: deleteResponse },
    { method: 'GET', path: '/v1/responses/:id/input_items', look: listInputItems },
    { method: 'GET', path: '/v1/models', look: listModels },
    { method: 'GET', path: '/v1/models/:id', look: readModel },
    { method: 'GET', path: '/sandbox/calls', open: true, look: listCalls },
    { method: 'DELETE', path: '/sandbox/calls', open: true, look: clearCalls },
    { method: 'GET', path: '/sandbox/calls/:id', open: true, look: readCall },
  ];

  async function answer(exchange: Exchange): Promise<void> {
    const { request } = exchange;
    const { pathname, searchParams: query } = readUrl(request.url ?? '/');
    const { route, parameter } = findRoute(routes, request.method ?? 'GET', pathname);
    if (route.method === 'POST') {
      await answerGenerativeCall(route.endpoint, calls, exchange);
      return;
    }
    if (!route.open) requireApiKey(request);
    sendJson(exchange, 200, route.look({ id: parameter, query, calls, responses }));
  }

  return (request, reply) => {
    const exchange = { request, reply, requestId: requestId(), arrivedAt: new Date() };
    reply.setHeader('x-request-id', exchange.requestId);
    reply.setHeader('openai-version', '2020-10-01');
    answer(exchange).catch((error: unknown) => sendError(exchange, error));
  };
}

function readUrl(target: string): URL {
  const url = URL.parse(target, 'http://sandbox');
  if (url) return url;
  throw new ProviderError(`Invalid URL (${target})`, { status: 404 });
}

function findRoute(routes: readonly Route[], method: string, path: string): { route: Route; parameter: string } {
  const parts = path.split('/');
  const here = routes.filter((route) => matches(route.path.split('/'), parts));
  const route = here.find((candidate) => candidate.method === method);
  if (route) return { route, parameter: decode(parts[route.path.split('/').indexOf(':id')] ?? '') };
  if (here.length === 0) throw new ProviderError(`Invalid URL (${method} ${path})`, { status: 404 });
  throw new ProviderError(
    `Not allowed to ${method} on ${path}. (HINT: Perhaps you meant to use a different HTTP method?)`,
    { status: 405, code: 'method_not_supported' },
  );
}

function matches(pattern: string[], parts: string[]): boolean {
  return pattern.length === parts.length && pattern.every((part, index) => part === ':id' || part === parts[index]);
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function sendJson({ reply, arrivedAt }: Exchange, status: number, body: JsonObject): void {
  const text = JSON.stringify(body);
  reply.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'openai-processing-ms': Date.now() - arrivedAt.getTime(),
  });
  reply.end(text);
}

function sendError(exchange: Exchange, error: unknown): void {
  // Once an answer has begun, a broken connection is all that can still tell its reader.
  if (exchange.reply.headersSent || exchange.reply.destroyed) {
    exchange.reply.destroy();
    return;
  }
  const refusal = error instanceof ProviderError ? error : errorOfStatus(500);
  sendJson(exchange, refusal.status, errorEnvelope(refusal));
}
