import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import type { ProxyProcess } from '../../../../cli/local/proxies.ts';
import { replaceFile } from '../../../directories.ts';
import type { TestProxy } from '../../../proxy-here.ts';
import type { Scope } from '../../../scope.ts';
import { type ScriptedProvider, sendJson, startScriptedProvider } from '../../../scripted-provider.ts';
import { type ProcessStackOptions, type Stack, type StackOptions, startStack } from '../../../stack.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: answers of several shapes
  readonly body: any;
}

/** A support desk with a model that says what the test wants. */
export interface Desk<Proxy extends TestProxy = TestProxy> {
  readonly stack: Stack<Proxy>;
  readonly provider: ScriptedProvider;
  readonly admin: string;
  readonly backend: string;
  /** Fields of the model's next answers, in place of the defaults; a function gets the texts of the prompt. */
  reply: object | ((texts: readonly string[]) => object | Promise<object>);
  /** Where it is set, answers that are asked for as streams come in these pieces. */
  pieces: ((content: string) => AsyncIterable<string>) | undefined;
  ask(method: string, path: string, body?: unknown, token?: string): Promise<Answer>;
  say(message: string, more?: object, token?: string): Promise<Answer>;
}

/** Fields of an answer that cites the first passage of the prompt. */
export const sure = { cited: undefined, confidence: 0.97, answer: 'Choose Forgot Password on the login page.' };

/** @param support `spec.support` of the Organization @param more further fields of its spec */
export function startDesk(
  scope: Scope,
  support: object,
  more: Readonly<Record<string, unknown>>,
  options: ProcessStackOptions,
): Promise<Desk<ProxyProcess>>;
export function startDesk(
  scope: Scope,
  support: object,
  more?: Readonly<Record<string, unknown>>,
  options?: StackOptions,
): Promise<Desk>;
export async function startDesk(
  scope: Scope,
  support: object,
  more: Readonly<Record<string, unknown>> = {},
  options: StackOptions = {},
): Promise<Desk> {
  const provider = await startScriptedProvider(scope);
  const stack = await startStack(scope, {
    ...options,
    upstreamUrl: provider.url,
    prepare: (directory) => setSpec(directory, { support, ...more }),
  });
  const admin = await stack.sign({ user: 'ada', roles: ['admin'] });
  const backend = await stack.sign({ roles: ['member'] });
  const desk: Desk = {
    ...{ stack, provider, admin, backend, reply: {}, pieces: undefined },
    async ask(method, path, body, token = backend) {
      const answer = await fetch(new URL(`/api/v1${path}`, stack.baseUrl), {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const text = await answer.text();
      return { status: answer.status, headers: answer.headers, body: text.startsWith('{') ? JSON.parse(text) : text };
    },
    say: (message, changes = {}, token = backend) =>
      desk.ask('POST', '/conversations', { message, user_id: 'carl', ...changes }, token),
  };
  provider.answer = async (response, { body }) => {
    const messages = body.messages as { content: string }[];
    const texts = messages.map(({ content }) => content);
    const made = typeof desk.reply === 'function' ? await desk.reply(texts) : desk.reply;
    if ('status' in made)
      return sendJson(response, { error: { message: 'No.', type: 'server_error' } }, Number(made.status));
    const first = /"id":"(kb_[\w#]+)"/.exec(texts[2] ?? '')?.[1];
    const { cited = first === undefined ? [] : [first], ...fields } = { ...sure, ...made } as { cited?: string[] };
    const content = JSON.stringify({
      ...{ is_question: true, wants_human: false, sentiment: 'neutral', topics: [], cited },
      ...fields,
    });
    const usage = { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 };
    const common = { id: 'chatcmpl-1', created: 1, model: 'gpt-4o-mini' };
    if (body.stream && desk.pieces) {
      const chunk = (choices: readonly object[], more: object = {}) =>
        `data: ${JSON.stringify({ ...common, object: 'chat.completion.chunk', choices, ...more })}\n\n`;
      const choice = (delta: object, finish_reason: string | null) => ({ index: 0, delta, finish_reason });
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for await (const piece of desk.pieces(content)) response.write(chunk([choice({ content: piece }, null)]));
      response.end(`${chunk([choice({}, 'stop')])}${chunk([], { usage })}data: [DONE]\n\n`);
      return;
    }
    sendJson(response, {
      ...{ ...common, object: 'chat.completion' },
      choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
      usage,
    });
  };
  await desk.ask(
    'POST',
    '/knowledge-base',
    { title: 'Reset your password', content: 'To reset your password, choose Forgot Password on the login page.' },
    admin,
  );
  return desk;
}

/** Sets fields of the Organization's spec in the directory. */
export async function setSpec(directory: string, fields: Readonly<Record<string, unknown>>): Promise<void> {
  const file = join(directory, 'organization.yaml');
  const document = parseDocument(await readFile(file, 'utf8'));
  for (const [name, value] of Object.entries(fields)) document.setIn(['spec', name], value);
  await replaceFile(file, document.toString());
}
