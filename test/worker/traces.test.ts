import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, describe, it } from 'node:test';
import { allowEveryModel } from '../proxy/allow-every-model.ts';
import { openRealtime, says } from '../proxy/sockets/realtime-client.ts';
import { makeAsk } from '../proxy/surfaces/governance/ask.ts';
import { suiteScope } from '../scope.ts';
import { type Stack, startStack } from '../stack.ts';
import { type ReceivedSpan, type SpanReceiver, startSpanReceiver } from '../traces/receiver.ts';
import { until } from '../until.ts';
import { startStackWorker } from './webhooks/start.ts';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const callerSpan = 'b7ad6b7169203331';
const [client, consumer] = [3, 5];

describe('traces by the standard environment', () => {
  const scope = suiteScope();
  let receiver: SpanReceiver;
  let stack: Stack;
  before(async () => {
    receiver = await startSpanReceiver(scope);
    const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_EXPORTER_OTLP_HEADERS: 'authorization=k' };
    stack = await startStack(scope, { environment });
    await allowEveryModel(stack);
    await startStackWorker(scope, stack, environment);
  });
  const find = (what: string, is: (span: ReceivedSpan) => boolean) => until(() => receiver.spans.find(is), what);
  const below = (parent: ReceivedSpan) => (span: ReceivedSpan) =>
    span.traceId === parent.traceId && span.parentSpanId === parent.spanId;

  it('have a job of a worker, its calls below it, and their requests below these', async () => {
    const ask = makeAsk(stack);
    const chat = { model: 'gpt-4o', messages: [{ role: 'user', content: randomUUID() }] };
    const conversationId = (await ask('POST', '/chat/completions', chat)).headers.get('x-conversation-id');
    const made = await fetch(new URL('/api/analyses', stack.baseUrl), {
      method: 'POST',
      headers: { authorization: `Bearer ${stack.token}`, 'x-user-id': 'ada', 'content-type': 'application/json' },
      body: JSON.stringify({ conversationId, branchId: 'main' }),
    });
    assert.ok(made.ok, await made.text());
    const job = await find('the span of the job', ({ name }) => name === 'job analyze-conversation');
    assert.equal(job.kind, consumer);
    assert.deepEqual([job.attributes['chaperone.outcome'], job.attributes['chaperone.job_attempt']], ['completed', 1]);
    assert.equal(job.resource['chaperone.component'], 'worker');
    const call = await find('the span of its call', below(job));
    assert.equal(call.kind, client);
    assert.equal(call.attributes['chaperone.kind'], 'analysis');
    assert.match(call.name, /^chat /);
    const request = await find('the span of its request', below(call));
    assert.equal(request.name, 'POST /chat/completions');
    assert.ok(receiver.deliveries.every(({ headers }) => headers.authorization === 'k'));
  });

  it('have a response of a realtime session, in the trace that opened it', async () => {
    const traceparent = `00-${traceId}-${callerSpan}-01`;
    const session = await openRealtime(scope, stack, { headers: { 'x-user-id': 'ada', traceparent } });
    await session.next('session.created');
    session.send(says('Hello'));
    session.send({ type: 'response.create' });
    await session.next('response.done');
    const span = await find('the span of the response', (one) => one.traceId === traceId);
    assert.equal(span.parentSpanId, callerSpan);
    assert.equal(span.name, 'chat gpt-realtime');
    assert.equal(span.attributes['chaperone.operation'], 'realtime');
    assert.ok(Number(span.attributes['gen_ai.usage.output_tokens']) > 0);
    assert.equal(span.attributes['http.request.method'], undefined);
    session.socket.close();
    await session.closed;
  });
});
