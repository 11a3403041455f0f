import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { admitSurface } from '../../../calls/admit/admit.ts';
import { readBody } from '../../../calls/admit/body.ts';
import type { BackgroundWatch } from '../../../calls/background/watch.ts';
import type { Caller } from '../../../calls/call.ts';
import { mentions } from '../../../calls/resources/echoes.ts';
import { type MadeBy, notFound, requireSameKey } from '../../../calls/resources/ownership.ts';
import { routeKey } from '../../../calls/route/route.ts';
import { upstreamHeaders } from '../../../calls/upstream-headers.ts';
import { ProxyError } from '../../../error.ts';
import type { OutputGuard } from '../../../guardrails/output/output-guard.ts';
import { onceClosed } from '../../../http/once-closed.ts';
import type { SurfaceApp } from '../../../http/surface.ts';
import { countedResponses } from '../../../operations/responses.ts';
import { asString, parseObject } from '../../../providers/json.ts';
import { type Relay, type RelayedAnswer, readWhole, relay } from '../../../providers/relay.ts';
import { formatOf } from '../../../providers/table.ts';
import type { WireFormat } from '../../../providers/wire-format.ts';
import type { RoutedKey } from '../../../snapshot/snapshot.ts';
import type { OpenAiContext } from '../context.ts';
import { describeStored } from '../describe/stored.ts';
import { makeHeldResponses, type Shown } from './held-responses.ts';
import { inputTokensRoute, type ResourceRoute, resourceRoutes, uploadRoute } from './routes.ts';
import { makeStoredTexts, requireJudgeable, type StoredRequest } from './stored-texts.ts';
import { bodyHeaders, makeUpload } from './upload.ts';

type Params = Readonly<Record<string, string>>;
type ResourceRequest = FastifyRequest<{ Params: Params }>;

/** What the provider is asked, once it is known that it may be. */
interface Permitted extends Pick<Relay, 'path' | 'key' | 'body'> {
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * What callers keep at their providers: each request goes there with the key that its subject was made with, and the
 * answer comes back as it is. Nothing of it is billed by itself, so there is no record of it.
 */
export function registerResources(app: SurfaceApp, options: OpenAiContext): void {
  const { pipeline, inForce, ownership, background, exchange, guardrails, providers, metrics, audit } = options;
  const stored = makeStoredTexts(guardrails, inForce);
  const held = makeHeldResponses(options.heldAnswers, stored, inForce);

  const answer = async (route: ResourceRoute, request: ResourceRequest, reply: FastifyReply, permitted: Permitted) => {
    const gone = new AbortController();
    onceClosed(reply.raw, () => gone.abort());
    const { path, key, body, headers } = permitted;
    const asker = { requestId: request.callContext.requestId, caller: request.caller, key };
    const guard = await stored.guardOf(route, asker);
    if (guard) requireJudgeable(request.url, guard);
    const answered = await relay(exchange, {
      method: route.method,
      path,
      key,
      headers: { ...upstreamHeaders(request.headers, inForce().snapshot, request.caller, key.provider), ...headers },
      body,
      signal: gone.signal,
    });
    metrics.relayed.inc({
      resource: route.kind,
      method: route.method,
      status: `${Math.floor(answered.status / 100)}xx`,
    });
    const isSuccess = answered.status < 300;
    const isStream = isSuccess && isEventStream(answered);
    if (isStream) {
      await held.requireStreamable(route, request.params.id, asker).catch((error: unknown) => {
        answered.body.destroy();
        throw error;
      });
    }
    reply.code(answered.status).headers(answered.headers);
    const isFile = route.path.endsWith('/content') && inForce().snapshot.spec.guardrails !== undefined;
    if (isSuccess && route.effect === 'none' && !guard && !isFile) return reply.send(answered.body);
    if (isStream) {
      return reply.send(
        Readable.from(observeStream(answered.body, formatOf(providers, key.provider, 'responses'), background, guard)),
      );
    }
    const whole = await readWhole(answered, request.share);
    if (isSuccess && route.effect === 'tell') await background.observe(whole);
    else if (isSuccess) noteEffect(route, request, key, whole);
    if (isSuccess && route.effect === 'delete') {
      audit.did(request.caller, 'deleted', `${route.kind}/${request.params.id ?? ''}`);
    }
    if (!isSuccess) return reply.send(whole);
    const shown = isFile
      ? await stored.judgeFile(whole, asker)
      : await judgeAnswer(route, request, whole, asker, guard);
    if (Buffer.isBuffer(shown)) {
      if (shown !== whole) reply.header('content-length', shown.length);
      return reply.send(shown);
    }
    return reply.headers({ ...shown.headers, 'content-length': shown.body.length }).send(shown.body);
  };

  /** An answer as rules let it pass, or as people have decided about it. */
  const judgeAnswer = async (
    route: ResourceRoute,
    request: ResourceRequest,
    whole: Buffer,
    asker: StoredRequest,
    guard: OutputGuard | undefined,
  ): Promise<Buffer | Shown> => {
    const { id } = request.params;
    const before = await held.show(route, id, whole, asker);
    if (before || !guard) return before ?? whole;
    try {
      return await stored.judge(guard, whole);
    } catch (error) {
      if (!(error instanceof ProxyError && error.code === 'answer_held')) throw error;
      const now = await held.show(route, id, whole, asker);
      if (!now) throw error;
      return now;
    }
  };

  /** Whose the new thing is, and whose is gone, is known before the caller has the answer. */
  const noteEffect = (route: ResourceRoute, request: ResourceRequest, key: RoutedKey, whole: Buffer) => {
    const { caller, params } = request;
    if (route.kind === 'response') return;
    if (route.effect === 'delete') ownership.noteDeleted(route.kind, params.id ?? '', caller, { apiKeyId: key.id });
    if (route.effect !== 'make') return;
    const id = asString(parseObject(whole.toString('utf8'))?.id);
    if (id === null) throw new ProxyError('upstream_invalid_response');
    // What the caller chose itself may be another's.
    if (mentions(bodyOf(request), id)) return;
    ownership.note({ resource_id: id, kind: route.kind, user_id: caller.userId, api_key_id: key.id });
  };

  const keyOf = (caller: Caller, madeBy: MadeBy | undefined): RoutedKey =>
    routeKey(inForce().snapshot, caller, undefined, madeBy, Date.now());

  const permit = async (route: ResourceRoute, request: ResourceRequest): Promise<Permitted> => {
    const { caller, params } = request;
    admitSurface(inForce().snapshot, route.surface);
    const path = pathOf(route, params) + queryOf(request.url);
    const { id } = params;
    const subject = id === undefined ? undefined : await ownership.require(route.kind, id, caller);
    // What is deleted cannot be asked for its usage any more.
    if (route.kind === 'response' && route.effect === 'delete') await background.lookAt(id ?? '');
    const raw = bodyOf(request);
    if (raw.length === 0 || route.method !== 'POST') {
      return { path, key: keyOf(caller, subject), body: undefined, headers: {} };
    }
    const asked = readBody(raw, request.share);
    const { references } = asked.fields;
    const madeBy = requireSameKey(references[0]?.param ?? '', subject, await ownership.requireAll(references, caller));
    const key = keyOf(caller, madeBy);
    const edited = await stored.checkBody(asked, { requestId: request.callContext.requestId, caller, key });
    return { path, key, body: edited ?? raw, headers: json };
  };

  for (const route of resourceRoutes) {
    app.route<{ Params: Params }>({
      method: route.method,
      url: route.path,
      schema: describeStored(route.method, route.path),
      handler: async (request, reply) => answer(route, request, reply, await permit(route, request)),
    });
  }

  const countTokens = describeStored(inputTokensRoute.method, inputTokensRoute.path);
  app.post<{ Params: Params }>(inputTokensRoute.path, { schema: countTokens }, async (request, reply) => {
    const asked = { context: request.callContext, operation: countedResponses, rawBody: bodyOf(request) };
    const { context, source, first } = await pipeline.permit(asked);
    const { model, body } = source;
    const sought = {
      context,
      operation: countedResponses.name,
      model,
      key: first.key,
      body,
      sent: first.body,
      hasReferences: false,
    };
    const reservation = await pipeline.reserve({ ...sought, isUncounted: true });
    onceClosed(reply.raw, () => reservation.release());
    const { path } = inputTokensRoute;
    return answer(inputTokensRoute, request, reply, { path, key: first.key, body: first.body, headers: json });
  });

  app.register(async (uploads) => {
    uploads.removeAllContentTypeParsers();
    // Files are as large as hundreds of megabytes: they pass as they come.
    uploads.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    const upload = describeStored(uploadRoute.method, uploadRoute.path);
    uploads.post<{ Params: Params }>(uploadRoute.path, { schema: upload }, async (request, reply) => {
      admitSurface(inForce().snapshot, uploadRoute.surface);
      const key = keyOf(request.caller, undefined);
      const { path } = uploadRoute;
      const body = makeUpload(request.raw);
      return answer(uploadRoute, request, reply, { path, key, body, headers: bodyHeaders(request.headers) });
    });
  });
}

function isEventStream({ headers }: RelayedAnswer): boolean {
  return /^text\/event-stream\b/i.test(String(headers['content-type'] ?? ''));
}

/** A response that is streamed again tells its end, too: it is noted before the reader has it. */
async function* observeStream(
  body: Readable,
  format: WireFormat,
  background: BackgroundWatch,
  guard: OutputGuard | undefined,
): AsyncIterable<Buffer> {
  const own = format.readStream({ hideUsage: false, keepOutput: true, body: {} });
  // Rules that need the whole answer cannot wait here.
  if (guard?.needsWhole()) throw new ProxyError('guardrail_unavailable');
  const reader = guard?.stream(own) ?? own;
  for await (const chunk of body) {
    const wasOver = reader.reading() !== undefined;
    const passed = reader.read(chunk);
    if (!wasOver) await observeEnd();
    if (passed) yield passed;
  }
  const rest = reader.end();
  await observeEnd();
  if (rest) yield rest;

  async function observeEnd(): Promise<void> {
    const response = reader.reading() ? reader.output() : undefined;
    if (response !== undefined) await background.observe(response);
  }
}

const json = { 'content-type': 'application/json' };

function bodyOf({ body }: FastifyRequest): Buffer {
  return Buffer.isBuffer(body) ? body : Buffer.alloc(0);
}

/** Ids are one segment of letters, digits and some signs; nothing else could lead to another path at the provider. */
const segment = /^[\w:-][\w.:-]*$/;

function pathOf({ path, kind }: ResourceRoute, params: Params): string {
  return path.replace(/:(\w+)/g, (_, name: string) => {
    const value = params[name] ?? '';
    if (!segment.test(value)) throw notFound(kind, value);
    return value;
  });
}

function queryOf(url: string): string {
  const start = url.indexOf('?');
  return start === -1 ? '' : url.slice(start);
}
