import type { IncomingMessage, RequestListener } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { isAzure, readAzurePlace } from './azure.ts';
import { type CallLog, makeCallLog } from './call-log.ts';
import { dialectOf } from './dialect-of.ts';
import { cancelBatch, listBatches, makeCreateBatch, readBatch } from './endpoints/batches.ts';
import { clearCalls, listCalls, readCall } from './endpoints/calls.ts';
import { makeChatCompletions } from './endpoints/chat-completions.ts';
import { makeCompaction } from './endpoints/compaction.ts';
import { makeCompletions } from './endpoints/completions.ts';
import {
  createConversation,
  createConversationItems,
  deleteConversation,
  deleteConversationItem,
  listConversationItems,
  readConversation,
  readConversationItem,
  updateConversation,
} from './endpoints/conversations.ts';
import { makeEmbeddings } from './endpoints/embeddings.ts';
import { createFile, deleteFile, listFiles, readFile, readFileContent } from './endpoints/files.ts';
import { makeImageEdits, makeImageGenerations, makeImageVariations } from './endpoints/images.ts';
import { countTokens, makeMessages } from './endpoints/messages.ts';
import { listModels, readModel } from './endpoints/models.ts';
import { makeModerations } from './endpoints/moderations.ts';
import { makeResponses } from './endpoints/responses.ts';
import { makeSpeech } from './endpoints/speech.ts';
import {
  cancelResponse,
  deleteResponse,
  inputTokens,
  listInputItems,
  readResponse,
} from './endpoints/stored-responses.ts';
import { makeTranscriptions, makeTranslations } from './endpoints/transcriptions.ts';
import {
  cancelFileBatch,
  createFileBatch,
  createVectorStore,
  createVectorStoreFile,
  deleteVectorStore,
  deleteVectorStoreFile,
  listFileBatchFiles,
  listVectorStoreFiles,
  listVectorStores,
  readFileBatch,
  readVectorStore,
  readVectorStoreFile,
  readVectorStoreFileContent,
  searchVectorStore,
  updateVectorStore,
  updateVectorStoreFile,
} from './endpoints/vector-stores.ts';
import { faultTexts } from './faults.ts';
import { Fields } from './fields.ts';
import { answerGenerativeCall, type Exchange, type GenerativeEndpoint } from './generative-call.ts';
import { requestId } from './ids.ts';
import type { JsonObject } from './json.ts';
import { type Keep, makeKeeps } from './keep.ts';
import { type Content, isContent, type LookAtContent } from './lookup.ts';
import { errorOfStatus, ProviderError } from './provider-error.ts';
import { parseBody, readBody, readForm } from './request-body.ts';

type Route =
  | { method: 'POST'; path: string; endpoint: GenerativeEndpoint }
  | { method: 'GET' | 'POST' | 'DELETE'; path: string; open?: true; look: LookAtContent }
  | { method: 'POST'; path: string; take: (keep: Keep, form: FormData) => Promise<JsonObject> };

/** What a sandbox holds: its accounts, and what it keeps for each key. */
export interface SandboxState {
  readonly calls: CallLog;
  readonly keepOf: (key: string) => Keep;
}

export function makeState(): SandboxState {
  return { calls: makeCallLog(), keepOf: makeKeeps() };
}

/** Makes a sandbox as a listener for `node:http`, with its own accounts and stored responses unless it is given some. */
export function makeApp({ calls, keepOf } = makeState()): RequestListener {
  const generative = (endpoint: GenerativeEndpoint): Route => ({ method: 'POST', path: endpoint.path, endpoint });
  const batchable = [
    makeResponses(keepOf),
    makeChatCompletions(),
    makeEmbeddings(),
    makeCompletions(),
    makeModerations(),
  ];
  const others = [
    makeCompaction(keepOf),
    makeMessages(),
    makeImageGenerations(),
    makeImageEdits(),
    makeImageVariations(),
    makeSpeech(),
    makeTranscriptions(),
    makeTranslations(),
  ];
  const routes: Route[] = [
    ...[...batchable, ...others].map(generative),
    { method: 'GET', path: '/v1/responses/:id', look: readResponse },
    { method: 'DELETE', path: '/v1/responses/:id', look: deleteResponse },
    { method: 'POST', path: '/v1/responses/:id/cancel', look: cancelResponse },
    { method: 'GET', path: '/v1/responses/:id/input_items', look: listInputItems },
    { method: 'POST', path: '/v1/responses/input_tokens', look: inputTokens },
    { method: 'POST', path: '/v1/conversations', look: createConversation },
    { method: 'GET', path: '/v1/conversations/:id', look: readConversation },
    { method: 'POST', path: '/v1/conversations/:id', look: updateConversation },
    { method: 'DELETE', path: '/v1/conversations/:id', look: deleteConversation },
    { method: 'GET', path: '/v1/conversations/:id/items', look: listConversationItems },
    { method: 'POST', path: '/v1/conversations/:id/items', look: createConversationItems },
    { method: 'GET', path: '/v1/conversations/:id/items/:item', look: readConversationItem },
    { method: 'DELETE', path: '/v1/conversations/:id/items/:item', look: deleteConversationItem },
    { method: 'POST', path: '/v1/files', take: createFile },
    { method: 'GET', path: '/v1/files', look: listFiles },
    { method: 'GET', path: '/v1/files/:id', look: readFile },
    { method: 'DELETE', path: '/v1/files/:id', look: deleteFile },
    { method: 'GET', path: '/v1/files/:id/content', look: readFileContent },
    { method: 'POST', path: '/v1/batches', look: makeCreateBatch(batchable) },
    { method: 'GET', path: '/v1/batches', look: listBatches },
    { method: 'GET', path: '/v1/batches/:id', look: readBatch },
    { method: 'POST', path: '/v1/batches/:id/cancel', look: cancelBatch },
    { method: 'POST', path: '/v1/vector_stores', look: createVectorStore },
    { method: 'GET', path: '/v1/vector_stores', look: listVectorStores },
    { method: 'GET', path: '/v1/vector_stores/:id', look: readVectorStore },
    { method: 'POST', path: '/v1/vector_stores/:id', look: updateVectorStore },
    { method: 'DELETE', path: '/v1/vector_stores/:id', look: deleteVectorStore },
    { method: 'POST', path: '/v1/vector_stores/:id/search', look: searchVectorStore },
    { method: 'GET', path: '/v1/vector_stores/:id/files', look: listVectorStoreFiles },
    { method: 'POST', path: '/v1/vector_stores/:id/files', look: createVectorStoreFile },
    { method: 'GET', path: '/v1/vector_stores/:id/files/:item', look: readVectorStoreFile },
    { method: 'POST', path: '/v1/vector_stores/:id/files/:item', look: updateVectorStoreFile },
    { method: 'DELETE', path: '/v1/vector_stores/:id/files/:item', look: deleteVectorStoreFile },
    { method: 'GET', path: '/v1/vector_stores/:id/files/:item/content', look: readVectorStoreFileContent },
    { method: 'POST', path: '/v1/vector_stores/:id/file_batches', look: createFileBatch },
    { method: 'GET', path: '/v1/vector_stores/:id/file_batches/:item', look: readFileBatch },
    { method: 'POST', path: '/v1/vector_stores/:id/file_batches/:item/cancel', look: cancelFileBatch },
    { method: 'GET', path: '/v1/vector_stores/:id/file_batches/:item/files', look: listFileBatchFiles },
    { method: 'POST', path: '/v1/messages/count_tokens', look: countTokens },
    { method: 'GET', path: '/v1/models', look: listModels },
    { method: 'GET', path: '/v1/models/:id', look: readModel },
    { method: 'GET', path: '/sandbox/calls', open: true, look: listCalls },
    { method: 'DELETE', path: '/sandbox/calls', open: true, look: clearCalls },
    { method: 'GET', path: '/sandbox/calls/:id', open: true, look: readCall },
  ];

  async function answer(exchange: Exchange): Promise<void> {
    const { request } = exchange;
    const { pathname: stated, searchParams: query } = readUrl(request.url ?? '/');
    const place = isAzure(stated) ? readAzurePlace(stated, query) : undefined;
    const { route, id, item } = findRoute(routes, request.method ?? 'GET', place?.pathname ?? stated);
    if ('endpoint' in route) {
      await answerGenerativeCall(route.endpoint, calls, exchange, place?.deployment);
      return;
    }
    if (!('open' in route)) exchange.dialect.requireHeaders(request);
    const key = exchange.dialect.apiKey(request) ?? '';
    if ('take' in route) {
      sendJson(exchange, 200, await route.take(keepOf(key), await readForm(request)));
      return;
    }
    const body = await readObject(request);
    const texts = faultTexts(request.headers['x-sandbox'], body);
    const { requestId } = exchange;
    const lookup = {
      id,
      item,
      query,
      body: new Fields(body),
      faultTexts: texts,
      key,
      requestId,
      calls,
      dialect: exchange.dialect,
      keep: keepOf(key),
    };
    const answered = route.look(lookup);
    if (isContent(answered)) await sendContent(exchange, answered);
    else sendJson(exchange, 200, answered);
  }

  return (request, reply) => {
    const exchange = { request, reply, requestId: requestId(), arrivedAt: new Date(), dialect: dialectOf(request) };
    const headers = exchange.dialect.headers(exchange.requestId);
    for (const name in headers) reply.setHeader(name, headers[name] ?? '');
    answer(exchange).catch((error: unknown) => sendError(exchange, error));
  };
}

function readUrl(target: string): URL {
  const url = URL.parse(target, 'http://sandbox');
  if (url) return url;
  throw new ProviderError(`Invalid URL (${target})`, { status: 404 });
}

async function readObject(request: IncomingMessage): Promise<JsonObject> {
  const text = request.method === 'POST' ? await readBody(request) : '';
  return text === '' ? {} : parseBody(text);
}

function findRoute(routes: readonly Route[], method: string, path: string): { route: Route; id: string; item: string } {
  const parts = path.split('/');
  const here = routes.filter((route) => matches(route.path.split('/'), parts));
  const fitting = here.filter((candidate) => candidate.method === method);
  // `input_tokens` in `/v1/responses/input_tokens` is not the id of a response.
  const route = fitting.find((candidate) => candidate.path === path) ?? fitting[0];
  if (route) {
    const parameter = (name: string) => decode(parts[route.path.split('/').indexOf(name)] ?? '');
    return { route, id: parameter(':id'), item: parameter(':item') };
  }
  if (here.length === 0) throw new ProviderError(`Invalid URL (${method} ${path})`, { status: 404 });
  throw new ProviderError(
    `Not allowed to ${method} on ${path}. (HINT: Perhaps you meant to use a different HTTP method?)`,
    { status: 405, code: 'method_not_supported' },
  );
}

function matches(pattern: string[], parts: string[]): boolean {
  return (
    pattern.length === parts.length && pattern.every((part, index) => part.startsWith(':') || part === parts[index])
  );
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

async function sendContent({ reply }: Exchange, { contentType, chunks }: Content): Promise<void> {
  reply.writeHead(200, { 'content-type': contentType });
  reply.flushHeaders();
  await pipeline(Readable.from(chunks), reply);
}

function sendError(exchange: Exchange, error: unknown): void {
  // Once an answer has begun, only a broken connection can still signal the error.
  if (exchange.reply.headersSent || exchange.reply.destroyed) {
    exchange.reply.destroy();
    return;
  }
  const refusal = error instanceof ProviderError ? error : errorOfStatus(500);
  sendJson(exchange, refusal.status, exchange.dialect.envelope(refusal, exchange.requestId));
}
