import type OpenAI from 'openai';
import { type Dispatcher, errors, request as send } from 'undici';
import { ProxyError } from '../error.ts';
import type { Provider, RoutedKey } from '../snapshot/snapshot.ts';
import type { AccountingTerms, makeAccounting } from './account.ts';
import type { Call, Caller, Outcome } from './call.ts';
import { unknownUsage } from './call.ts';
import { problemCodeOf } from './forward.ts';
import { chat } from './operations/chat.ts';
import { errorCodeOf, parseObject } from './operations/json.ts';
import type { Body } from './operations/operation.ts';

/** A call that the proxy makes by itself, in a caller's name, of whom it was admitted and routed. */
export interface Question {
  readonly kind: Call['kind'];
  readonly requestId: string;
  readonly startedAtMs: number;
  readonly startedTicks: number;
  readonly caller: Caller;
  readonly key: RoutedKey;
  readonly body: OpenAI.ChatCompletionCreateParamsNonStreaming;
}

/** A completion, and what it cost. */
export interface Reply {
  readonly completion: Body;
  /** Null where the provider did not say. */
  readonly totalTokens: number | null;
  /** US dollars as a decimal string; null: unpriced. */
  readonly costUsd: string | null;
}

export interface AskOptions {
  /** @throws {ProxyError} where nothing is in force, or no longer */
  readonly terms: () => AccountingTerms;
  readonly openAccount: ReturnType<typeof makeAccounting>;
  readonly upstream: Dispatcher;
}

export type Ask = ReturnType<typeof makeAsk>;

const maxAnswerBytes = 16 * 1024 * 1024;

/** Makes the function by which the proxy itself asks a provider for a chat completion, accounted for as any call. */
export function makeAsk({ terms, openAccount, upstream }: AskOptions) {
  /** @throws {ProxyError} `spool_…` where it cannot be accounted for, `upstream_…` where no completion comes */
  return async function ask(question: Question): Promise<Reply> {
    const account = openAccount(callOf(question), terms());
    const sentAtTicks = performance.now();
    const settle = (outcome: Partial<Outcome>) =>
      account.settle({ ...noAnswer, upstreamMs: performance.now() - sentAtTicks, ...outcome });
    try {
      const { status, text } = await complete(upstream, question);
      const completion = parseObject(text);
      if (!completion) throw new UpstreamFailure(new ProxyError('upstream_invalid_response'), { httpStatus: status });
      const reading = chat.read(completion, { ...question.body });
      settle({ ...reading, status: reading.failed ? 'failed' : 'completed', httpStatus: status, output: text });
      if (reading.failed) throw new UpstreamFailure(providerError(status, completion.error), {});
      return { completion, totalTokens: reading.usage.totalTokens, costUsd: account.costUsd };
    } catch (error) {
      const { problem, outcome } = error instanceof UpstreamFailure ? error : failureOf(error);
      settle({ errorCode: problem.code, ...outcome });
      throw problem;
    }
  };
}

/** What is known of a call that got no completion. */
class UpstreamFailure extends Error {
  readonly problem: ProxyError;
  readonly outcome: Partial<Outcome>;

  constructor(problem: ProxyError, outcome: Partial<Outcome>) {
    super(problem.message);
    this.problem = problem;
    this.outcome = outcome;
  }
}

const noAnswer: Omit<Outcome, 'upstreamMs'> = {
  status: 'failed',
  httpStatus: null,
  errorCode: null,
  responseId: null,
  model: null,
  serviceTier: null,
  usage: unknownUsage,
  timeToFirstTokenMs: null,
  output: undefined,
};

function callOf(question: Question): Call {
  const { body, key, caller, kind, requestId, startedAtMs, startedTicks } = question;
  return {
    kind,
    requestId,
    startedAtMs,
    startedTicks,
    operation: chat.name,
    caller,
    input: JSON.stringify(body),
    body: { ...body },
    isStream: false,
    requestedModel: body.model,
    persona: undefined,
    previousResponseId: undefined,
    key,
  };
}

/** Sends it by OpenAI's own client, which is loaded when the first one is asked: most proxies never need it. */
async function complete(upstream: Dispatcher, { key, body }: Question): Promise<{ status: number; text: string }> {
  const { default: Client } = await import('openai');
  const { provider, secret } = key;
  const client = new Client({
    baseURL: provider.origin + provider.basePath,
    apiKey: secret,
    // Given, so that it looks for none of them in the environment.
    adminAPIKey: null,
    organization: null,
    project: null,
    logLevel: 'off',
    // Each attempt is a call of its own, with an account of its own.
    maxRetries: 0,
    timeout: provider.headersTimeoutMs + provider.idleTimeoutMs,
    fetch: makeFetch(upstream, provider, secret),
  });
  const response = await client.chat.completions.create(body).asResponse();
  return { status: response.status, text: await response.text() };
}

/** `fetch` over the proxy's own connections. Of the headers only those go upstream that any call has. */
function makeFetch(dispatcher: Dispatcher, provider: Provider, secret: string): typeof fetch {
  return async (url, init) => {
    let hasBegun = false;
    try {
      const { statusCode, body } = await send(String(url), {
        dispatcher,
        method: 'POST',
        body: String(init?.body),
        headers: {
          'content-type': 'application/json',
          accept: 'application/json',
          'accept-encoding': 'identity',
          'user-agent': 'chaperone',
          authorization: `Bearer ${secret}`,
        },
        signal: init?.signal ?? null,
        headersTimeout: provider.headersTimeoutMs,
        bodyTimeout: provider.idleTimeoutMs,
      });
      hasBegun = true;
      const text = await readText(body);
      return new Response(text === '' ? null : text, {
        status: statusCode,
        headers: { 'content-type': 'application/json' },
      });
    } catch (cause) {
      // Nobody but the client's own clock aborts it.
      if (init?.signal?.aborted) throw new UpstreamFailure(new ProxyError('upstream_timeout', { cause }), {});
      throw failureOf(cause, hasBegun);
    }
  };
}

async function readText(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > maxAnswerBytes) throw new errors.ResponseExceededMaxSizeError();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** What a failure means: of the transport's, which the client has wrapped, or of the provider's. */
function failureOf(error: unknown, hasBegun = false): UpstreamFailure {
  if (error instanceof UpstreamFailure) return error;
  if (!(error instanceof Error)) return new UpstreamFailure(new ProxyError('internal_error', { cause: error }), {});
  if (error.cause instanceof UpstreamFailure) return error.cause;
  if ('status' in error && typeof error.status === 'number') {
    const { status } = error;
    const detail = 'error' in error ? error.error : undefined;
    const problem = providerError(status, detail, error);
    return new UpstreamFailure(problem, { httpStatus: status, errorCode: errorCodeOf(detail) });
  }
  const code = problemCodeOf(error, hasBegun);
  const status = error instanceof errors.ClientDestroyedError ? 'interrupted' : 'failed';
  return new UpstreamFailure(new ProxyError(code, { cause: error }), { status });
}

/** The provider's own error. It is told of by its code alone, since its words may quote what nobody else should see. */
function providerError(status: number, detail: unknown, cause?: Error): ProxyError {
  const code = errorCodeOf(detail);
  const shown = /^\w{1,64}$/.test(code) ? ` ${code}` : '';
  const message = `Error processing request: the provider answered ${status}${shown}`;
  return new ProxyError(status === 429 ? 'upstream_rate_limited' : 'upstream_error', { message, cause });
}
