import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import type { Call, CallLog, ReceivedRequest } from './call-log.ts';
import { deliver } from './delivery.ts';
import type { Dialect } from './dialect.ts';
import { faultTexts, parseFaults } from './faults.ts';
import { readFormBody } from './form-body.ts';
import type { Generate } from './generation.ts';
import { errorOfStatus } from './provider-error.ts';
import { parseBody, readBody, readForm } from './request-body.ts';

/** A request and its reply. */
export interface Exchange {
  request: IncomingMessage;
  reply: ServerResponse;
  /** As returned in `x-request-id`. */
  requestId: string;
  arrivedAt: Date;
  dialect: Dialect;
}

/** An endpoint whose calls are counted and billed, and can have faults. */
export interface GenerativeEndpoint {
  /** The path from the server's root; the accounts use it as the name. */
  path: string;
  /** Whether its body may be a form with files. */
  takesForm?: true;
  /** Makes the id of an answer. Where answers have none, it is the `x-request-id`. */
  newId: (requestId: string) => string;
  generate: Generate;
}

/**
 * Answers a call to a generating endpoint, and counts it exactly once in any case.
 *
 * @param deployment that the address names. Absent: the body names the model
 * @throws ProviderError for a call that OpenAI would refuse, before anything is sent
 */
export async function answerGenerativeCall(
  endpoint: GenerativeEndpoint,
  calls: CallLog,
  exchange: Exchange,
  deployment?: string,
): Promise<void> {
  const { requestId, arrivedAt } = exchange;
  const key = exchange.dialect.apiKey(exchange.request)?.slice(-4) ?? null;
  const call = calls.begin({ id: endpoint.newId(requestId), requestId, endpoint: endpoint.path, key, arrivedAt });
  const gone = new AbortController();
  exchange.reply.once('close', () => {
    gone.abort();
    if (!call.continues) calls.settle(call, 'aborted');
  });
  try {
    await answer(endpoint, calls, call, exchange, deployment, gone.signal);
  } catch (error) {
    // An aborted body is reported before the reply closes.
    const left = gone.signal.aborted || exchange.request.socket.destroyed;
    if (!call.continues) calls.settle(call, left ? 'aborted' : 'failed');
    if (left) return;
    throw error;
  }
}

async function answer(
  endpoint: GenerativeEndpoint,
  calls: CallLog,
  call: Call,
  { request, reply, arrivedAt, dialect }: Exchange,
  deployment: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  const form = isForm(endpoint, request) ? await readFormBody(await readForm(request)) : undefined;
  const text = form ? form.text : await readBody(request);
  calls.received(call, receivedRequest(request, text));
  dialect.requireHeaders(request);
  const { body, files } = form ?? { body: parseBody(text), files: [] };
  const named = deployment ?? body.model;
  if (typeof named === 'string') {
    call.model = named;
    if (dialect.modelOf) body.model = dialect.modelOf(named);
  }
  call.stream = body.stream === true;

  const faults = parseFaults(faultTexts(request.headers['x-sandbox'], body));
  if (faults.latency) await setTimeout(faults.latency, undefined, { signal });
  if (faults.reset) {
    calls.settle(call, 'failed');
    request.socket.resetAndDestroy();
    return;
  }
  if (faults.status) throw errorOfStatus(faults.status);

  const createdAt = Math.floor(arrivedAt.getTime() / 1000);
  const key = dialect.apiKey(request) ?? '';
  const generated = endpoint.generate({ id: call.id, body, headers: request.headers, files, faults, key, createdAt });
  const generation = dialect.complete?.(generated) ?? generated;
  reply.setHeader('openai-processing-ms', Date.now() - arrivedAt.getTime());
  call.continues = generation.continues !== undefined;
  generation.continues?.((status, usage) => {
    call.usage = usage;
    calls.settle(call, status);
  });
  const bill = (usage: Call['usage']) => {
    if (!call.continues) call.usage = usage;
  };
  const settle = (status: 'completed' | 'failed') => {
    if (!call.continues) calls.settle(call, status);
  };
  await deliver({ reply, signal, bill, settle }, generation, faults);
}

function isForm({ takesForm }: GenerativeEndpoint, { headers }: IncomingMessage): boolean {
  return takesForm === true && /^multipart\/form-data\b/i.test(headers['content-type'] ?? '');
}

function receivedRequest(request: IncomingMessage, body: string): ReceivedRequest {
  const headers: ReceivedRequest['headers'] = [];
  for (let index = 0; index < request.rawHeaders.length; index += 2) {
    headers.push([request.rawHeaders[index] ?? '', request.rawHeaders[index + 1] ?? '']);
  }
  return { headers, body };
}
