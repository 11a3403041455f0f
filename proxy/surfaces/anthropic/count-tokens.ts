import { upstreamHeaders } from '../../calls/upstream-headers.ts';
import { ProxyError } from '../../error.ts';
import { receiveBytes } from '../../http/bodies.ts';
import { onceClosed } from '../../http/once-closed.ts';
import type { SurfaceApp } from '../../http/surface.ts';
import { countedMessages } from '../../operations/messages.ts';
import { readWhole, relay } from '../../providers/relay.ts';
import type { OpenAiContext } from '../openai/context.ts';
import { requireKnownVersion } from './version.ts';

const schema = {
  tags: ['Calls'],
  summary: 'Count the tokens of a message',
  description:
    'The body is that of a message without `max_tokens`, and is judged like one. Only Anthropic counts tokens of messages. Counting is free and has no record.',
  problems: [
    'model_not_allowed',
    'tool_not_allowed',
    'surface_not_allowed',
    'no_api_key',
    'limit_reached',
    'upstream_unreachable',
  ],
  origin: 'relayed',
} as const;

/** `POST /v1/messages/count_tokens`: judged like a call, but neither billed nor recorded. */
export function registerCountTokens(app: SurfaceApp, context: OpenAiContext): void {
  const { pipeline, exchange, metrics } = context;
  receiveBytes(app, context.stalls);
  app.post('/v1/messages/count_tokens', { schema }, async (request, reply) => {
    requireKnownVersion(request.headers);
    const rawBody = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    const permitted = await pipeline.permit({ context: request.callContext, operation: countedMessages, rawBody });
    const { context: call, first: sent, source } = permitted;
    const { key, format } = sent;
    const { model, body } = source;
    if (format.translation) throw countsNothing(key.provider.name);
    const sought = { context: call, operation: countedMessages.name, model, key, body, sent: sent.body };
    const reservation = await pipeline.reserve({ ...sought, hasReferences: false, isUncounted: true });
    const gone = new AbortController();
    onceClosed(reply.raw, () => {
      gone.abort();
      reservation.release();
    });
    const headers = upstreamHeaders(request.headers, call.inForce.snapshot, call.caller, key.provider, format.passes);
    const answered = await relay(exchange, {
      method: 'POST',
      path: countedMessages.path,
      key,
      headers: { ...headers, 'content-type': 'application/json' },
      body: sent.body,
      signal: gone.signal,
    });
    const status = `${Math.floor(answered.status / 100)}xx`;
    metrics.relayed.inc({ resource: 'input_tokens', method: 'POST', status });
    reply.code(answered.status).headers(answered.headers);
    return reply.send(await readWhole(answered, request.share));
  });
}

function countsNothing(provider: string): ProxyError {
  const message = `the provider ${provider} does not count the tokens of messages, since it is not Anthropic`;
  return new ProxyError('invalid_request', { param: 'model', message });
}
