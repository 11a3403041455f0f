import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startSandbox } from '../../../../../sandbox/server.ts';
import type { Scope } from '../../../../scope.ts';

/** What happens to one question for a structured output. */
export interface Step {
  /** For the sandbox, which answers and bills as ever. */
  readonly directives?: string;
  /** What the model says instead of what the sandbox makes up; an object as JSON. */
  readonly says?: string | object;
  /** An answer of the provider's own making, which the sandbox hears nothing of. */
  readonly refuses?: { readonly status: number; readonly error: object };
  /** Not before this is the question looked at. */
  readonly after?: Promise<unknown>;
}

/** A provider that does what a test says: the sandbox behind a server that counts, and changes, questions and answers. */
export interface ScriptedUpstream {
  readonly url: string;
  /** Of the sandbox itself, for its accounts. */
  readonly sandboxUrl: string;
  /** For the next questions, one each; without one, the sandbox answers as it likes. */
  readonly script: Step[];
  /** The questions for structured outputs so far: their bodies, and who sent them. */
  readonly questions: { readonly body: Question; readonly headers: IncomingMessage['headers'] }[];
}

export interface Question {
  readonly model: string;
  readonly temperature?: number;
  readonly messages: { readonly role: string; readonly content: string }[];
  readonly response_format?: { readonly json_schema: { readonly schema: Record<string, unknown> } };
}

export async function startScriptedUpstream(scope: Scope): Promise<ScriptedUpstream> {
  const sandbox = await startSandbox();
  scope.after(() => sandbox.close());
  const script: Step[] = [];
  const questions: ScriptedUpstream['questions'] = [];
  const server = createServer({ keepAliveTimeout: 120_000 }, (request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    // With a schema, as a format or in words.
    const isQuestion = text.includes('additionalProperties');
    if (isQuestion) questions.push({ body: JSON.parse(text), headers: request.headers });
    const { directives, says, refuses, after } = (isQuestion && script.shift()) || {};
    await after;
    if (refuses) {
      response.writeHead(refuses.status, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error: refuses.error }));
      return;
    }
    const { authorization = '' } = request.headers;
    const sent = await fetch(`${sandbox.url}${request.url?.replace(/^\/v1/, '')}`, {
      method: request.method ?? 'POST',
      headers: { authorization, 'content-type': 'application/json', ...(directives && { 'x-sandbox': directives }) },
      ...(text !== '' && { body: text }),
    });
    const type = sent.headers.get('content-type') ?? '';
    const body = await sent.text();
    response.writeHead(sent.status, { 'content-type': type });
    response.end(says === undefined ? body : withContent(body, says));
  };
  await once(server.listen(0, '127.0.0.1'), 'listening');
  scope.after(async () => server.close().closeAllConnections());
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/v1`, sandboxUrl: sandbox.url, script, questions };
}

function withContent(completion: string, says: string | object): string {
  const parsed = JSON.parse(completion);
  parsed.choices[0].message.content = typeof says === 'string' ? says : JSON.stringify(says);
  return JSON.stringify(parsed);
}
