import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { suiteScope } from '../../scope.ts';
import { type Answer, sendJson } from '../../scripted-provider.ts';
import { until } from '../../until.ts';
import { type Routed, startRouted } from './providers.ts';

const serves: Answer = (answered, { body }) =>
  sendJson(answered, { id: 'chatcmpl-good', object: 'chat.completion', model: body.model, choices: [] });
const errs: Answer = (answered) => sendJson(answered, { error: { message: 'No', code: 'server_error' } }, 500);
const limits: Answer = (answered) =>
  answered
    .writeHead(429, { 'content-type': 'application/json', 'retry-after': '60' })
    .end('{"error":{"code":"rate_limit_exceeded"}}');
/** Sends blanks without end, so that neither its headers nor a pause are late. */
const trickles: Answer = (answered) => {
  answered.writeHead(200, { 'content-type': 'text/event-stream' });
  const timer = setInterval(() => answered.write(': wait\n\n'), 50);
  answered.on('close', () => clearInterval(timer));
};

/** What a proxy remembers of failures, through the front door. */
describe('a provider that fails again and again', () => {
  const scope = suiteScope();
  let routed: Routed<'first' | 'second'>;
  const chat = async (model: string, stream = false) => {
    const answered = await fetch(`${routed.baseUrl}/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${routed.token}`, 'x-user-id': 'bob' },
      body: JSON.stringify({ model, messages: [], stream }),
    });
    await answered.text();
    return answered;
  };
  before(async () => {
    routed = await startRouted(scope, {
      providers: {
        first: {
          priority: 0,
          circuitBreaker: { failures: 2, pause: '3s' },
          timeouts: { headers: '10s', idle: '10s', total: '3s' },
        },
        second: { priority: 1 },
      },
    });
    routed.providers.second.answer = serves;
  });

  it('is asked last, and tried again after the pause', async () => {
    routed.providers.first.answer = errs;
    await chat('gpt-4o');
    await chat('gpt-4o');
    routed.forget();
    assert.equal((await chat('gpt-4o')).headers.get('x-chaperone-attempts'), '1');
    assert.deepEqual(routed.counts(), { first: 0, second: 1 });
    const metrics = await (await fetch(`http://127.0.0.1:${routed.proxy.metricsPort}/metrics`)).text();
    assert.match(
      metrics,
      /chaperone_circuit_open\{gen_ai_provider_name="first",scope="provider",api_key_id="",organization="acme"\} 1/,
    );
    assert.match(routed.log(), /calls go to other providers/);
    routed.providers.first.answer = serves;
    await until(async () => (await chat('gpt-4o')).headers.get('x-chaperone-provider') === 'first', 'the pause to end');
    assert.equal((await chat('gpt-4o')).headers.get('x-chaperone-provider'), 'first');
  });

  it('is left alone for a model as long as its Retry-After says', async () => {
    routed.providers.first.answer = limits;
    await chat('gpt-4o-mini');
    routed.providers.first.answer = serves;
    assert.equal((await chat('gpt-4o-mini')).headers.get('x-chaperone-provider'), 'second');
    assert.equal((await chat('gpt-4o')).headers.get('x-chaperone-provider'), 'first');
  });

  it('may take no longer than its limit for a whole answer', async () => {
    routed.providers.first.answer = trickles;
    const answered = await chat('gpt-4o');
    assert.equal(answered.status, 200);
    assert.equal(answered.headers.get('x-chaperone-failed-attempts'), 'first unknown timeout');
  });
});
