import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { Client } from 'pg';
import type { ProxyProcess } from '../../../cli/local/proxies.ts';
import type { TestProxy } from '../../proxy-here.ts';
import { startProxy } from '../../proxy-process.ts';
import { atEnd, suiteScope } from '../../scope.ts';
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

/** What one proxy learns of a provider is known to the organization's others: two processes, and the database. */
describe('two proxies of an organization', () => {
  const scope = suiteScope();
  let routed: Routed<'first' | 'second'>;
  let other: ProxyProcess;
  let database: Client;
  const chat = async (model: string, { port }: Pick<TestProxy, 'port'> = routed.proxy) => {
    const answered = await fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${routed.token}`, 'x-user-id': 'bob' },
      body: JSON.stringify({ model, messages: [] }),
    });
    await answered.text();
    return answered.headers.get('x-chaperone-provider');
  };
  const isOpenAt = async ({ metricsPort }: TestProxy) =>
    /chaperone_circuit_open\{gen_ai_provider_name="first",scope="provider",api_key_id="",organization="acme"\} 1/.test(
      await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text(),
    );
  const pauses = async () => {
    const { rows } = await database.query<{ scope: string; provider: string; reason: string }>(
      'select scope, provider, reason from chaperone.provider_pauses where not is_over order by scope',
    );
    return rows;
  };
  before(async () => {
    routed = await startRouted(scope, {
      providers: {
        first: { priority: 0, circuitBreaker: { failures: 2, pause: '1h' } },
        second: { priority: 1 },
      },
    });
    other = await startProxy(scope, routed);
    database = new Client({ connectionString: routed.database.url });
    await database.connect();
    atEnd(scope, () => database.end());
    routed.providers.second.answer = serves;
  });

  it('both leave a limited key alone as long as Retry-After says, for that model', async () => {
    routed.providers.first.answer = limits;
    await chat('gpt-4o-mini');
    routed.providers.first.answer = serves;
    await until(async () => (await chat('gpt-4o-mini', other)) === 'second', 'the other proxy to know of the limit');
    assert.equal(await chat('gpt-4o', other), 'first');
    assert.deepEqual(await pauses(), [{ scope: 'model', provider: 'first', reason: '429 rate_limit_exceeded' }]);
  });

  it('both pass over a provider whose circuit one of them has opened, and so does a proxy that starts', async () => {
    routed.providers.first.answer = errs;
    await chat('gpt-4o');
    await chat('gpt-4o');
    await until(() => isOpenAt(other), 'the other proxy to know of the circuit');
    routed.providers.first.answer = serves;
    assert.equal(await chat('gpt-4o', other), 'second');
    const late = await startProxy(scope, routed);
    await until(() => isOpenAt(late), 'a proxy that starts to know of the circuit');
    assert.equal(await chat('gpt-4o', late), 'second');
  });

  it('both ask it again when the circuit has closed', async () => {
    await database.query(`update chaperone.provider_pauses set is_over = true where scope = 'provider'`);
    await database.query(`select pg_notify('chaperone_' || replace(organization_id::text, '-', ''), 'pauses')
      from chaperone.organizations`);
    await until(async () => !(await isOpenAt(routed.proxy)) && !(await isOpenAt(other)), 'the circuit to be closed');
    assert.deepEqual([await chat('gpt-4o'), await chat('gpt-4o', other)], ['first', 'first']);
  });
});
