import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import OpenAI from 'openai';
import { Client } from 'pg';
import type { ProxyProcess } from '../../../cli/local/proxies.ts';
import { startProxy } from '../../proxy-process.ts';
import { suiteScope } from '../../scope.ts';
import { type Stack, startStack } from '../../stack.ts';
import { until } from '../../until.ts';

interface Settled {
  readonly request_id: string;
  readonly status: string;
  readonly error_code: string | null;
  readonly input_tokens: string | null;
  readonly output_tokens: string | null;
  readonly cost_usd: string | null;
  readonly user_id: string;
}

/** Calls that the provider works on after its answer: settled once, whoever sees their end. */
describe('a response in the background', () => {
  const scope = suiteScope();
  let stack: Stack<ProxyProcess>;
  let bob: OpenAI;
  let database: Client;

  const clientOf = (baseURL: string, user = 'bob') =>
    new OpenAI({ baseURL, apiKey: stack.token, defaultHeaders: { 'X-User-ID': user }, maxRetries: 0 });
  const start = (workMs: number, options: { readonly client?: OpenAI; readonly extra?: string } = {}) =>
    (options.client ?? bob).responses.create({
      model: 'gpt-4o-mini',
      input: 'Take your time',
      background: true,
      metadata: { sandbox: `work=${workMs}${options.extra ?? ''}` },
    });
  const recordsOf = async (responseId: string) => {
    const { rows } = await database.query<Settled>('select * from chaperone.requests where response_id = $1', [
      responseId,
    ]);
    return rows;
  };
  const settled = (responseId: string) =>
    until(async () => (await recordsOf(responseId))[0], `the record of ${responseId}`, 60_000);
  const isPending = (responseId: string) =>
    until(async () => {
      const { rows } = await database.query('select from chaperone.pending_calls where response_id = $1', [responseId]);
      return rows.length === 1;
    }, `${responseId} to be pending`);
  const isMarked = (responseId: string) =>
    until(async () => {
      const { rows } = await database.query(
        'select from chaperone.pending_calls where response_id = $1 and settled_at is not null and record is null',
        [responseId],
      );
      return rows.length === 1;
    }, `${responseId} to be pending no more`);

  const metricsAt = async (port: number) => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const completedAt = async (port: number) => {
    const counts = (await metricsAt(port)).matchAll(/^chaperone_calls_total\{.*status="completed"\} (\d+)$/gm);
    return counts.reduce((sum, [, count]) => sum + Number(count), 0);
  };

  before(async () => {
    stack = await startStack(scope, { ownDatabase: true, ownProcess: true });
    bob = clientOf(stack.baseUrl);
    database = new Client({ connectionString: stack.database.url });
    database.on('error', () => {});
    await database.connect();
    scope.after(() => database.end());
  });

  it('is settled by the client that fetches it, with its usage and price, once', async () => {
    const begun = await start(300);
    assert.equal(begun.status, 'queued');
    const done = await until(async () => {
      const response = await bob.responses.retrieve(begun.id);
      return response.status === 'completed' && response;
    }, 'its end');
    await bob.responses.retrieve(begun.id);
    const record = await settled(begun.id);
    assert.equal(record.status, 'completed');
    assert.equal(Number(record.input_tokens), done.usage?.input_tokens);
    assert.equal(Number(record.output_tokens), done.usage?.output_tokens);
    assert.ok(Number(record.cost_usd) > 0);
    await isMarked(begun.id);
    assert.equal((await recordsOf(begun.id)).length, 1);
    await until(async () => (await completedAt(stack.proxy.metricsPort)) === 1, 'it to be counted');
    assert.match(await metricsAt(stack.proxy.metricsPort), /chaperone_active_calls\{[^}]*\} 0\n/);
  });

  it('is settled even if nobody fetches it', async () => {
    const { id } = await start(100);
    assert.equal((await settled(id)).status, 'completed');
    await isMarked(id);
  });

  it('can follow another, and be followed', async () => {
    const { id } = await start(0);
    await until(async () => (await bob.responses.retrieve(id)).status === 'completed', 'its end');
    const next = await bob.responses.create({ model: 'gpt-4o', input: 'And then?', previous_response_id: id });
    assert.match(next.output_text, /before that: Take your time/);
    await assert.rejects(clientOf(stack.baseUrl, 'mallory').responses.retrieve(id), OpenAI.NotFoundError);
  });

  it('that is cancelled is recorded as cancelled, with what the provider billed', async () => {
    const { id } = await start(600_000);
    assert.deepEqual(await recordsOf(id), []);
    const cancelled = await bob.responses.cancel(id);
    assert.equal(cancelled.status, 'cancelled');
    const record = await settled(id);
    assert.equal(record.status, 'cancelled');
    assert.equal(Number(record.input_tokens), cancelled.usage?.input_tokens);
  });

  it('that fails is recorded as failed', async () => {
    const { id } = await start(0, { extra: ',failed' });
    const record = await settled(id);
    assert.deepEqual([record.status, record.error_code], ['failed', 'server_error']);
  });

  it('that is deleted before its end is recorded as interrupted, with unknown usage', async () => {
    const { id } = await start(600_000);
    await bob.responses.delete(id);
    const record = await settled(id);
    assert.deepEqual(
      [record.status, record.error_code, record.input_tokens],
      ['interrupted', 'response_not_found', null],
    );
  });

  it('that is deleted after its end has its usage', async () => {
    const { id } = await start(0);
    await bob.responses.delete(id);
    const record = await settled(id);
    assert.equal(record.status, 'completed');
    assert.ok(Number(record.input_tokens) > 0);
  });

  const streaming = (extra: string) =>
    bob.responses.create({
      model: 'gpt-4o',
      input: 'Stream',
      background: true,
      stream: true,
      metadata: { sandbox: `words=20${extra}` },
    });

  it('is streamed, and settled at its end', async () => {
    let id = '';
    for await (const event of await streaming('')) if (event.type === 'response.completed') ({ id } = event.response);
    assert.equal((await settled(id)).status, 'completed');
  });

  it('continues when the reader of its stream leaves, and can be streamed to its end', async () => {
    let id = '';
    let last = 0;
    for await (const event of await streaming(',delta-delay=200,work=1500')) {
      if (event.type === 'response.created') ({ id } = event.response);
      last = event.sequence_number;
      if (event.type === 'response.output_text.delta') break;
    }
    const types: string[] = [];
    for await (const event of await bob.responses.retrieve(id, { stream: true, starting_after: last })) {
      assert.ok(event.sequence_number > last);
      types.push(event.type);
    }
    assert.equal(types.at(-1), 'response.completed');
    const record = await settled(id);
    assert.equal(record.status, 'completed');
    assert.ok(Number(record.output_tokens) > 0);
  });

  it('continues when its stream is cut', async () => {
    let id = '';
    const cut = (async () => {
      for await (const event of await streaming(',cut,work=500')) {
        if (event.type === 'response.created') ({ id } = event.response);
      }
    })();
    await assert.rejects(cut);
    const record = await settled(id);
    assert.equal(record.status, 'completed');
  });

  it('survives a killed proxy, among many others', async () => {
    const begun: string[] = [];
    const calls = Array.from({ length: 30 }, async (_, number) => {
      const response = await start(number * 50).catch(() => undefined);
      if (response) begun.push(response.id);
    });
    await until(() => begun.length >= 10, 'some to be accepted');
    const pid = stack.proxy.pid() ?? 0;
    process.kill(pid, 'SIGKILL');
    await Promise.all(calls);
    await until(() => stack.proxy.pid() !== pid, 'the proxy to be started again');
    for (const id of begun) {
      const record = await settled(id);
      assert.equal(record.status, 'completed', id);
      const call = await billOf(id);
      assert.deepEqual(
        [Number(record.input_tokens), Number(record.output_tokens)],
        [call.input_tokens, call.output_tokens],
      );
      assert.equal((await recordsOf(id)).length, 1);
    }
  });

  it('is fetched and settled by another proxy, even if the first is gone', async (t) => {
    const other = await startProxy(t, {
      credentialsDirectory: stack.credentialsDirectory,
      upstreamUrl: stack.upstreamUrl,
    });
    const there = clientOf(`http://127.0.0.1:${other.port}/v1`);
    const fetched = await start(0, { client: there });
    await isPending(fetched.id);
    await until(async () => (await bob.responses.retrieve(fetched.id)).status === 'completed', 'its end, seen here');
    const left = await start(2_000, { client: there });
    await other.stop(4_000);
    assert.equal((await settled(left.id)).status, 'completed');
    for (const { id } of [fetched, left]) {
      await isMarked(id);
      assert.equal((await recordsOf(id)).length, 1);
    }
  });

  it('is counted once where two proxies see its end at the same time', async (t) => {
    const other = await startProxy(t, {
      credentialsDirectory: stack.credentialsDirectory,
      upstreamUrl: stack.upstreamUrl,
    });
    const clients = [bob, clientOf(`http://127.0.0.1:${other.port}/v1`)];
    const ports = [stack.proxy.metricsPort, other.metricsPort];
    const counted = async () => (await Promise.all(ports.map(completedAt))).reduce((sum, count) => sum + count, 0);
    const isShipped = async () => {
      const texts = await Promise.all(ports.map(metricsAt));
      return texts.every((text) => /^chaperone_spool_depth\{[^}]*\} 0$/m.test(text));
    };
    await until(isShipped, 'what came before to be counted');
    const before = await counted();
    const ids = await Promise.all(Array.from({ length: 10 }, async () => (await start(0)).id));
    // Both know of each before either sees the end.
    for (const id of ids) await isPending(id);
    for (const id of ids) {
      const seen = await Promise.all(clients.map((client) => client.responses.retrieve(id)));
      assert.deepEqual(
        seen.map(({ status }) => status),
        ['completed', 'completed'],
      );
    }
    for (const id of ids) await isMarked(id);
    await until(isShipped, 'all to be counted');
    assert.equal(await counted(), before + ids.length);
  });

  it('is settled once the database is back, if it was away meanwhile', async () => {
    await stack.database.stop();
    const begun = await start(0);
    await until(async () => (await bob.responses.retrieve(begun.id)).status === 'completed', 'its end');
    const unseen = await start(0);
    await stack.database.start();
    database = new Client({ connectionString: stack.database.url });
    await database.connect();
    for (const { id } of [begun, unseen]) {
      assert.equal((await settled(id)).status, 'completed');
      await isMarked(id);
    }
  });

  async function billOf(id: string): Promise<{ input_tokens: number; output_tokens: number }> {
    const answer = await fetch(new URL(`/sandbox/calls/${id}`, stack.upstreamUrl));
    return JSON.parse(await answer.text());
  }
});
