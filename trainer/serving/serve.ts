import { timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client';
import type { Classifier } from '../model/classifier.ts';
import { decodeModel } from '../model/encode.ts';
import { asFolder } from '../settings.ts';
import { readWhole, type Store } from '../stores/store.ts';
import { modelFiles } from '../train.ts';
import { TrainerError } from '../trainer-error.ts';
import { answerChat, answerCompletions, BadRequest, type Served, type ServedAnswer } from './openai.ts';

export interface ServeOptions {
  readonly store: Pick<Store, 'read'>;
  /** The folder of the model. */
  readonly modelUri: string;
  /** The model of calls. */
  readonly name: string;
  /** What callers send as `Authorization: Bearer`. Undefined: nothing is asked for. */
  readonly token: string | undefined;
  readonly port: number;
}

const mostBytes = 16 * 2 ** 20;

/** Loads a model and answers calls about it until it is closed. @throws {TrainerError} where there is no model */
export async function serve(options: ServeOptions): Promise<Server> {
  const classifier = await loadModel(options);
  const metrics = makeMetrics();
  const served = { classifier, name: options.name };
  const server = createServer((request, response) => {
    handle(request, response, served, options, metrics).catch((error: unknown) => fail(response, error));
  });
  server.listen(options.port);
  await once(server, 'listening');
  return server;
}

async function loadModel({ store, modelUri }: ServeOptions): Promise<Classifier> {
  const uri = asFolder(modelUri) + modelFiles.weights;
  const bytes = await readWhole(store, uri);
  if (!bytes) throw new TrainerError('input', `There is no ${uri}`);
  return decodeModel(bytes);
}

function makeMetrics() {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  return {
    registry,
    texts: new Counter({
      name: 'chaperone_served_texts_total',
      help: 'Texts that the model has classified, by label.',
      labelNames: ['label'],
      registers,
    }),
    duration: new Histogram({
      name: 'chaperone_served_request_duration_seconds',
      help: 'How long answers to calls take.',
      buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1],
      registers,
    }),
  };
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  served: Served,
  { token }: ServeOptions,
  metrics: ReturnType<typeof makeMetrics>,
): Promise<void> {
  const path = request.url?.split('?')[0] ?? '';
  const route = `${request.method} ${path}`;
  // The model is loaded before the port is open.
  if (route === 'GET /healthz' || route === 'GET /readyz') return send(response, 200, { ready: true });
  if (route === 'GET /metrics') {
    response.writeHead(200, { 'content-type': metrics.registry.contentType });
    response.end(await metrics.registry.metrics());
    return;
  }
  if (!isPermitted(request, token)) return refuse(response, 401, 'The key is not that of this deployment');
  if (route === 'GET /v1/models') {
    return send(response, 200, { object: 'list', data: [{ id: served.name, object: 'model', owned_by: 'chaperone' }] });
  }
  const answer = { 'POST /v1/chat/completions': answerChat, 'POST /v1/completions': answerCompletions }[route];
  if (!answer) return refuse(response, 404, `There is no ${route}`);
  const end = metrics.duration.startTimer();
  const given = answer(served, await readBody(request));
  for (const { label } of given.predictions) metrics.texts.inc({ label });
  reply(response, given);
  end();
}

function isPermitted({ headers }: IncomingMessage, token: string | undefined): boolean {
  if (token === undefined) return true;
  const sent = Buffer.from(headers.authorization ?? '');
  const wanted = Buffer.from(`Bearer ${token}`);
  return sent.length === wanted.length && timingSafeEqual(sent, wanted);
}

async function readBody(request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > mostBytes) throw new BadRequest(`The body has more than ${mostBytes} bytes`);
    chunks.push(chunk);
  }
  try {
    const body: unknown = JSON.parse(Buffer.concat(chunks).toString());
    if (typeof body === 'object' && body !== null && !Array.isArray(body)) return { ...body };
  } catch {
    // It is reported below.
  }
  throw new BadRequest('The body is not a JSON object');
}

function reply(response: ServerResponse, { body, events }: ServedAnswer): void {
  if (!events) {
    send(response, 200, body);
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const event of events) response.write(`data: ${JSON.stringify(event)}\n\n`);
  response.end('data: [DONE]\n\n');
}

function send(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

function refuse(response: ServerResponse, status: number, message: string, param: string | null = null): void {
  const type = status === 401 ? 'authentication_error' : 'invalid_request_error';
  send(response, status, { error: { message, type, param, code: null } });
}

function fail(response: ServerResponse, error: unknown): void {
  if (response.headersSent) response.destroy();
  else if (error instanceof BadRequest) refuse(response, 400, error.message, error.param);
  else send(response, 500, { error: { message: 'The model failed', type: 'server_error', param: null, code: null } });
}
