import type { ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Scope } from '../../scope.ts';
import {
  type ProviderRequest,
  type ScriptedProvider,
  sendJson,
  startScriptedProvider,
} from '../../scripted-provider.ts';
import type { StackOptions } from '../../stack.ts';
import { type GovernedStack, startGovernedStack } from '../quota/governed-stack.ts';

/** A stack with a provider whose answers are all different, so that a replayed one shows. */
export interface CachedStack extends GovernedStack {
  readonly provider: ScriptedProvider;
  /** Makes a call as a user, by default at the first proxy. */
  post(path: string, body: object, options?: PostOptions): Promise<Posted>;
}

export interface PostOptions {
  readonly user?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The number of the proxy. */
  readonly at?: number;
}

export interface Posted {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** `hit`, `miss`, `bypass` or null. */
  readonly cache: string | null;
}

export async function startCachedStack(
  scope: Scope,
  options: StackOptions & { readonly proxies?: number } = {},
): Promise<CachedStack> {
  const provider = await startScriptedProvider(scope);
  const stack = await startGovernedStack(scope, { ...options, upstreamUrl: provider.url });
  return {
    ...stack,
    provider,
    async post(path, body, { user = 'bob', headers = {}, at = 0 } = {}) {
      const port = stack.proxies[at]?.port;
      const answered = await fetch(`http://127.0.0.1:${port}/v1${path}`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${stack.token}`,
          'content-type': 'application/json',
          ...(user !== '' && { 'x-user-id': user }),
          ...headers,
        },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(20_000),
      });
      const text = await answered.text();
      return { status: answered.status, headers: answered.headers, text, cache: answered.headers.get('x-cache') };
    },
  };
}

let count = 0;

/** A chat completion that no other answer equals. */
export function completion(changes: { finish?: string; message?: object; content?: string } = {}): object {
  count += 1;
  return {
    id: `chatcmpl-${count}`,
    object: 'chat.completion',
    created: 1,
    model: 'gpt-4o-mini',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: changes.content ?? `Answer ${count}`, ...changes.message },
        finish_reason: changes.finish ?? 'stop',
      },
    ],
    usage: { prompt_tokens: 1_000, completion_tokens: 1_000, total_tokens: 2_000 },
  };
}

/** Answers each operation in its own shape, whole or as a stream. */
export async function answerAnything(response: ServerResponse, { path, body }: ProviderRequest): Promise<void> {
  count += 1;
  if (path.endsWith('/speech')) {
    response.writeHead(200, { 'content-type': 'audio/mpeg' });
    response.write(Buffer.from([0xff, 0xf3, count % 256]));
    await delay(5);
    response.end(Buffer.from([0, 1, 2]));
    return;
  }
  if (body.stream === true) {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const event of path.endsWith('/responses') ? responseEvents(count) : chatEvents(count)) {
      response.write(event);
      await delay(2);
    }
    response.end();
    return;
  }
  if (path.endsWith('/responses')) sendJson(response, wholeResponse(count));
  else if (path.endsWith('/embeddings')) {
    const usage = { prompt_tokens: 5, total_tokens: 5 };
    const data = [{ object: 'embedding', index: 0, embedding: [count] }];
    sendJson(response, { object: 'list', model: 'text-embedding-3-small', data, usage });
  } else if (path.endsWith('/generations')) {
    sendJson(response, { created: count, data: [{ b64_json: 'aGk=' }] });
  } else if (path.endsWith('/moderations')) {
    sendJson(response, { id: `modr-${count}`, model: 'omni-moderation', results: [{ flagged: false }] });
  } else if (path.endsWith('/completions') && !path.endsWith('/chat/completions')) {
    const choices = [{ index: 0, text: `Text ${count}`, finish_reason: 'stop' }];
    sendJson(response, { id: `cmpl-${count}`, object: 'text_completion', model: 'gpt-3.5-turbo-instruct', choices });
  } else sendJson(response, completion());
}

const usage = { input_tokens: 1_000, output_tokens: 1_000, total_tokens: 2_000 };

export function wholeResponse(number: number): object {
  return {
    id: `resp_${number}`,
    object: 'response',
    created_at: 1,
    model: 'gpt-4o-mini',
    status: 'completed',
    output: [
      {
        type: 'message',
        id: `msg_${number}`,
        role: 'assistant',
        status: 'completed',
        content: [{ type: 'output_text', text: `Answer ${number}`, annotations: [] }],
      },
    ],
    usage,
  };
}

function responseEvents(number: number): string[] {
  const event = (type: string, data: object) => `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`;
  return [
    event('response.created', { response: { id: `resp_${number}`, status: 'in_progress' } }),
    event('response.output_text.delta', { delta: `Answer ` }),
    event('response.output_text.delta', { delta: `${number}` }),
    event('response.completed', { response: wholeResponse(number) }),
  ];
}

/** With reasoning, which some caches lose, and with the usage that the proxy asks for. */
function chatEvents(number: number): string[] {
  const chunk = (delta: object, finish: string | null = null) => ({
    id: `chatcmpl-${number}`,
    object: 'chat.completion.chunk',
    created: 1,
    model: 'gpt-4o-mini',
    choices: [{ index: 0, delta, finish_reason: finish }],
    usage: null,
  });
  const last = {
    ...chunk({}),
    choices: [],
    usage: { prompt_tokens: 1_000, completion_tokens: 1_000, total_tokens: 2_000 },
  };
  const chunks = [
    chunk({ role: 'assistant', content: '' }),
    chunk({ reasoning_content: 'Hm' }),
    chunk({ content: 'Answer ' }),
    chunk({ content: `${number}` }),
    chunk({}, 'stop'),
    last,
  ];
  return [...chunks.map((data) => `data: ${JSON.stringify(data)}\n\n`), 'data: [DONE]\n\n'];
}
