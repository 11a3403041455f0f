import type OpenAI from 'openai';
import { type Dispatcher, errors } from 'undici';
import { ProxyError } from '../error.ts';
import { decodeBody } from '../providers/content-encoding.ts';
import { isOurEnd, toProblem } from '../providers/failure.ts';
import { asString, errorCodeOf } from '../providers/json.ts';
import { withoutSecret } from '../providers/redact.ts';
import type { Provider, RoutedKey } from '../snapshot/snapshot.ts';
import type { Outcome } from './call.ts';
import { answerFactor, type Share } from './receive/in-flight.ts';

const maxAnswerBytes = 16 * 1024 * 1024;

/** What is known of a call that got no completion. */
export class UpstreamFailure extends Error {
  readonly problem: ProxyError;
  readonly outcome: Partial<Outcome>;

  constructor(problem: ProxyError, outcome: Partial<Outcome>) {
    super(problem.message);
    this.problem = problem;
    this.outcome = outcome;
  }
}

/**
 * Asks for a completion by OpenAI's own client, which is loaded for the first one: most proxies never need it.
 *
 * @returns the answer as it came, with a status of success
 * @throws {UpstreamFailure}
 */
export async function requestCompletion(
  upstream: Dispatcher,
  { provider, secret }: RoutedKey,
  body: OpenAI.ChatCompletionCreateParamsNonStreaming,
  share: Share,
): Promise<{ status: number; text: string }> {
  const { default: Client } = await import('openai');
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
    fetch: makeFetch(upstream, provider, secret, share),
  });
  try {
    const response = await client.chat.completions.create(body).asResponse();
    return { status: response.status, text: await response.text() };
  } catch (error) {
    throw toFailure(error);
  }
}

/** `fetch` over the proxy's own connections. Of the headers only those go upstream that any call has. */
function makeFetch(dispatcher: Dispatcher, provider: Provider, secret: string, share: Share): typeof fetch {
  return async (url, init) => {
    let hasBegun = false;
    const { origin, pathname, search } = new URL(String(url));
    try {
      const { statusCode, headers, body } = await dispatcher.request({
        method: 'POST',
        origin,
        path: pathname + search,
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
      const decoded = decodeBody(body, asString(headers['content-encoding']) ?? undefined);
      const text = withoutSecret(await readAll(decoded, share), secret).toString('utf8');
      return new Response(text === '' ? null : text, {
        status: statusCode,
        headers: { 'content-type': 'application/json' },
      });
    } catch (cause) {
      // Nobody but the client's own clock aborts it.
      if (init?.signal?.aborted) throw new UpstreamFailure(new ProxyError('upstream_timeout', { cause }), {});
      throw transportFailure(cause, hasBegun);
    }
  };
}

async function readAll(body: AsyncIterable<Buffer>, share: Share): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > maxAnswerBytes) throw new errors.ResponseExceededMaxSizeError();
    share.addAnswer(chunk.length * answerFactor);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** What the client threw: what `fetch` did, in a wrapping of the client's, or the provider's error. */
function toFailure(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  if (error.cause instanceof UpstreamFailure) return error.cause;
  if (!('status' in error && typeof error.status === 'number')) return error;
  const { status } = error;
  const detail = 'error' in error ? error.error : undefined;
  return new UpstreamFailure(providerError(status, detail, error), {
    httpStatus: status,
    errorCode: errorCodeOf(detail),
  });
}

function transportFailure(error: unknown, hasBegun: boolean): unknown {
  if (!(error instanceof Error)) return error;
  const problem = toProblem(error, hasBegun);
  return new UpstreamFailure(problem, { status: isOurEnd(problem) ? 'interrupted' : 'failed' });
}

/** The provider's own error. It is told of by its code alone, since its words may quote what nobody else should see. */
export function providerError(status: number, detail: unknown, cause?: Error): ProxyError {
  const code = errorCodeOf(detail);
  const shown = /^\w{1,64}$/.test(code) ? ` ${code}` : '';
  const message = `Error processing request: the provider answered ${status}${shown}`;
  return new ProxyError(status === 429 ? 'upstream_rate_limited' : 'upstream_error', { message, cause });
}
