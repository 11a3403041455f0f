import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { markHeader } from './upstream.ts';

/** What a call is made with. */
export interface CallContext {
  /** The base URL of the proxy, with `/v1`. */
  readonly baseUrl: string;
  readonly token: string;
  /** The headers of every call, with the user and the session. */
  readonly headers: Readonly<Record<string, string>>;
  /** What the upstream sees in the body, and in the head. */
  readonly mark: string;
  /** Directives for the sandbox. */
  readonly directives: string;
  /** Ends the call as if its client had left. */
  readonly signal: AbortSignal;
}

export type Outcome =
  | { readonly end: 'answered'; readonly responseId: string | null }
  | { readonly end: 'refused'; readonly status: number; readonly code: string; readonly text: string }
  | { readonly end: 'untold'; readonly reason: string };

/** Makes one call to its end. It throws where the connection ends before. */
export type MakeCall = (context: CallContext) => Promise<Outcome>;

/** In every prompt, so that it can be looked for afterwards. */
export const secretPrompt = 'the heron nests in Kalmar at 4417';

const promptOf = ({ mark }: CallContext) => `Repeat ${mark}: ${secretPrompt}.`;
const model = 'gpt-4o-mini';

/** Every kind of call of the load. */
export const kinds = {
  plain: (context) => post(context, '/responses', { model, input: promptOf(context), metadata: sandboxOf(context) }),
  streamed: (context) =>
    post(context, '/responses', { model, input: promptOf(context), stream: true, metadata: sandboxOf(context) }),
  chat: (context) => post(context, '/chat/completions', chatOf(context)),
  'streamed chat': (context) => post(context, '/chat/completions', { ...chatOf(context), stream: true }),
  embedding: (context) =>
    post(context, '/embeddings', {
      model: 'text-embedding-3-small',
      input: promptOf(context),
      user: `sandbox:${context.directives}`,
    }),
  form: transcribe,
  background: inBackground,
  batch: inBatch,
  realtime: speak,
  /** Embeddings of few texts: most of them are answered from the cache. */
  cached: ({ headers, ...context }) =>
    post({ ...context, headers: { ...headers, 'cache-control': 'max-age=3600' } }, '/embeddings', {
      model: 'text-embedding-3-small',
      input: promptOf({ headers, ...context }),
      user: `sandbox:${context.directives}`,
    }),
  /** By users who may make a few calls each. */
  limited: (context) => post(context, '/chat/completions', chatOf(context)),
  /** A guardrail lets none of them pass. */
  guarded: (context) =>
    post(context, '/chat/completions', {
      ...chatOf(context),
      messages: [{ role: 'user', content: `forbidden-word ${promptOf(context)}` }],
    }),
} satisfies Readonly<Record<string, MakeCall>>;

export type CallKind = keyof typeof kinds;
export const everyKind = Object.keys(kinds) as CallKind[];

/** What ends within a second where nothing is wrong, unlike work that goes on after the answer. */
export const promptKinds = everyKind.filter((kind) => kind !== 'background' && kind !== 'batch');

const chatOf = (context: CallContext) => ({
  model,
  messages: [{ role: 'user', content: promptOf(context) }],
  metadata: sandboxOf(context),
});

const sandboxOf = ({ directives }: CallContext) => ({ sandbox: directives });

async function post(context: CallContext, path: string, body: object): Promise<Outcome> {
  const answer = await send(context, path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return readOutcome(answer);
}

function send(context: CallContext, path: string, init: RequestInit): Promise<Response> {
  const { baseUrl, token, headers, mark, signal } = context;
  const own = { authorization: `Bearer ${token}`, [markHeader]: mark };
  return fetch(`${baseUrl}${path}`, {
    ...init,
    headers: { ...own, ...headers, ...(init.headers as Record<string, string>) },
    signal,
  });
}

/** Reads an answer to its end. */
export async function readOutcome(answer: Response): Promise<Outcome> {
  const text = await answer.text();
  if (answer.status !== 200) return readRefusal(answer.status, text);
  return text.startsWith('{') ? readWhole(text) : readStream(text);
}

function readRefusal(status: number, text: string): Outcome {
  const error = parse(text)?.error;
  const { message, code, type } = (error ?? {}) as Record<string, unknown>;
  const name = typeof code === 'string' ? code : type;
  if (typeof message !== 'string' || message === '' || typeof name !== 'string') {
    return { end: 'untold', reason: `status ${status}: ${text.slice(0, 200)}` };
  }
  return { end: 'refused', status, code: name, text };
}

function readWhole(text: string): Outcome {
  const body = parse(text);
  if (!body) return { end: 'untold', reason: `no JSON: ${text.slice(0, 200)}` };
  if (body.error) return readRefusal(200, text);
  return { end: 'answered', responseId: typeof body.id === 'string' ? body.id : null };
}

/** A stream is answered if its last event says so. */
function readStream(text: string): Outcome {
  const events = text.split('\n').flatMap((line) => (line.startsWith('data: {') ? [parse(line.slice(6))] : []));
  const failed = events.find((event) => event?.error ?? (event?.type === 'error' || event?.type === 'response.failed'));
  if (failed) {
    const response = failed.response as { error?: unknown } | undefined;
    return readRefusal(200, JSON.stringify({ error: failed.error ?? response?.error ?? failed }));
  }
  const last = events.findLast((event) => event?.type === 'response.completed');
  if (last) return { end: 'answered', responseId: String((last.response as { id: string }).id) };
  const finished = events.find((event) => JSON.stringify(event?.choices ?? '').includes('"finish_reason":"stop"'));
  if (finished) return { end: 'answered', responseId: String(finished.id) };
  return { end: 'untold', reason: `a stream without an end: ${text.slice(-200)}` };
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function transcribe(context: CallContext): Promise<Outcome> {
  const form = new FormData();
  form.set('model', 'gpt-4o-transcribe');
  form.set('prompt', promptOf(context));
  form.set('file', new File([Buffer.alloc(20_000, 7)], 'speech.wav', { type: 'audio/wav' }));
  return readOutcome(await send(context, '/audio/transcriptions', { method: 'POST', body: form }));
}

const pollMs = 100;

async function inBackground(context: CallContext): Promise<Outcome> {
  const begun = await send(context, '/responses', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      ...{ model, input: promptOf(context), background: true },
      metadata: { sandbox: ['work=300', context.directives].filter(Boolean).join(',') },
    }),
  });
  const outcome = await readOutcome(begun);
  return outcome.end === 'answered' ? follow(context, `/responses/${outcome.responseId}`) : outcome;
}

/** Asks until the work has ended. What is said of it later does not say how the call ended. */
async function follow(context: CallContext, path: string): Promise<Outcome> {
  for (;;) {
    await sleep(pollMs, undefined, { signal: context.signal });
    const answer = await send(context, path, {});
    const text = await answer.text();
    if (answer.status !== 200) return readRefusal(answer.status, text);
    const { status } = parse(text) ?? {};
    if (status === 'completed') return readWhole(text);
    if (status === 'failed' || status === 'cancelled') return { end: 'untold', reason: `it is ${status}` };
  }
}

/** Limits count each line of a batch as a call. */
export const linesOfBatch = 2;

async function inBatch(context: CallContext): Promise<Outcome> {
  const line = (id: number) =>
    JSON.stringify({
      ...{ custom_id: `line-${id}`, method: 'POST', url: '/v1/responses' },
      body: { model, input: `${promptOf(context)} ${id}` },
    });
  const form = new FormData();
  form.set('purpose', 'batch');
  const lines = Array.from({ length: linesOfBatch }, (_, at) => `${line(at)}\n`);
  form.set('file', new File([lines.join('')], 'lines.jsonl'));
  const file = await send(context, '/files', { method: 'POST', body: form });
  const uploaded = await readOutcome(file);
  if (uploaded.end !== 'answered') return uploaded;
  const begun = await send(context, '/batches', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      ...{ input_file_id: uploaded.responseId, endpoint: '/v1/responses', completion_window: '24h' },
      metadata: { mark: context.mark, sandbox: 'work=300' },
    }),
  });
  const outcome = await readOutcome(begun);
  return outcome.end === 'answered' ? follow(context, `/batches/${outcome.responseId}`) : outcome;
}

/** Why a response of a session is not complete. */
function errorIn(details: unknown): unknown {
  const { error, reason } = (details ?? {}) as { error?: { type?: string; code?: string }; reason?: string };
  return { message: `the response is not complete: ${reason}`, ...error };
}

/** One response in a session of its own. */
async function speak({ baseUrl, token, headers, mark, directives, signal }: CallContext): Promise<Outcome> {
  const url = `${baseUrl.replace(/^http/, 'ws')}/realtime?model=gpt-realtime`;
  const socket = new WebSocket(url, { headers: { authorization: `Bearer ${token}`, ...headers } });
  const leave = () => socket.terminate();
  signal.addEventListener('abort', leave);
  try {
    return await new Promise<Outcome>((resolve, reject) => {
      socket.on('unexpected-response', (_, answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk) => chunks.push(chunk));
        answer.on('end', () => resolve(readRefusal(answer.statusCode ?? 0, String(Buffer.concat(chunks)))));
        answer.on('error', reject);
      });
      socket.on('error', reject);
      socket.on('close', (code) => reject(new Error(`the session was closed: ${code}`)));
      socket.on('open', () => {
        const content = [{ type: 'input_text', text: `Repeat ${mark}: ${secretPrompt}.` }];
        const response = { output_modalities: ['text'], metadata: { mark, sandbox: directives } };
        socket.send(
          JSON.stringify({ type: 'conversation.item.create', item: { type: 'message', role: 'user', content } }),
        );
        socket.send(JSON.stringify({ type: 'response.create', response }));
      });
      socket.on('message', (data) => {
        const event = parse(String(data));
        if (event?.type === 'error') resolve(readRefusal(200, String(data)));
        if (event?.type !== 'response.done') return;
        const { id, status, status_details: details } = event.response as Record<string, unknown>;
        if (status === 'completed') resolve({ end: 'answered', responseId: String(id) });
        else resolve(readRefusal(200, JSON.stringify({ error: errorIn(details) })));
      });
    });
  } finally {
    signal.removeEventListener('abort', leave);
    socket.removeAllListeners('close').terminate();
  }
}
