import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { parseDocument } from 'yaml';
import type { ProxyProcess } from '../../../cli/local/proxies.ts';
import { replaceFile } from '../../directories.ts';
import { suiteScope } from '../../scope.ts';
import { type Stack, startStack } from '../../stack.ts';
import { until } from '../../until.ts';

type Line = Readonly<Record<string, unknown>>;

const traceId = '0af7651916cd43dd8448eb211c80319c';

describe('the log of a proxy', () => {
  const scope = suiteScope();
  let stack: Stack<ProxyProcess>;
  before(async () => {
    stack = await startStack(scope, { ownProcess: true });
  });

  const call = async (body: object, headers: Record<string, string> = {}) => {
    const response = await fetch(`${stack.baseUrl}/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${stack.token}`, 'x-user-id': 'bob@example.com', ...headers },
      body: JSON.stringify({ model: 'gpt-4o', messages: [{ role: 'user', content: 'a secret plan' }], ...body }),
    });
    await response.arrayBuffer();
    return response.headers.get('x-request-id');
  };
  const lines = (): Line[] =>
    stack
      .log()
      .split('\n')
      .flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : []));
  const lineOf = (requestId: string | null) =>
    until(() => lines().find((line) => line.requestId === requestId), `the line of ${requestId}`);
  /** Calls until a call has a line: it takes a moment until the proxy knows of an edit. */
  const lineOfSome = (body: object) =>
    until(async () => {
      const requestId = await call(body);
      await new Promise((resolve) => setTimeout(resolve, 20));
      return lines().find((line) => line.requestId === requestId);
    }, 'a line for a call');
  const edit = async (logs: object | undefined) => {
    const file = join(stack.directory, 'organization.yaml');
    const document = parseDocument(await readFile(file, 'utf8'));
    if (logs) document.setIn(['spec', 'logs'], logs);
    else document.deleteIn(['spec', 'logs']);
    await replaceFile(file, document.toString());
  };

  it('has a line for a refusal, with the request and the trace', async () => {
    const traceparent = `00-${traceId}-b7ad6b7169203331-00`;
    const requestId = await call({ model: 7 }, { traceparent });
    const { time, ...line } = await lineOf(requestId);
    assert.deepEqual(line, {
      ...{ level: 'info', msg: 'refused', requestId, traceId, route: 'POST /v1/chat/completions' },
      ...{ code: 'invalid_request', status: 400, param: 'model' },
    });
    assert.equal(typeof time, 'string');
  });

  it('has one for a request without a credential', async () => {
    const line = await lineOf(await call({}, { authorization: '' }));
    assert.deepEqual([line.code, line.status], ['invalid_credentials', 401]);
  });

  it('has a line for a failed call, with its figures and without what was said', async () => {
    const requestId = await call({ metadata: { sandbox: 'status=500' } });
    const { level, msg, status, httpStatus, provider, model } = await lineOf(requestId);
    assert.deepEqual(
      { level, msg, status, httpStatus },
      { level: 'warn', msg: 'a call has failed', status: 'failed', httpStatus: 500 },
    );
    assert.deepEqual([provider, model], ['openai', 'gpt-4o']);
  });

  it('has a line for every call as soon as the Organization asks for it, and no longer than that', async () => {
    const silent = await call({});
    await edit({ access: true });
    const line = await lineOfSome({});
    assert.deepEqual([line.level, line.msg, line.status, line.operation], ['info', 'call', 'completed', 'chat']);
    assert.ok(Number(line.costUsd) > 0 && Number(line.inputTokens) > 0 && Number(line.durationMs) >= 0);
    assert.ok(!lines().some(({ requestId }) => requestId === silent));
    await edit({ level: 'error' });
    await until(async () => {
      const requestId = await call({ model: 7 });
      await new Promise((resolve) => setTimeout(resolve, 20));
      return !lines().some((one) => one.requestId === requestId);
    }, 'no more lines');
  });

  it('says more after a signal, until the next one', async () => {
    await edit(undefined);
    await lineOfSome({ model: 7 });
    const changes = () =>
      lines()
        .filter(({ msg }) => msg === 'the log level has changed')
        .map(({ logLevel }) => logLevel);
    process.kill(stack.proxy.pid() ?? 0, 'SIGUSR2');
    await until(() => changes().at(-1) === 'debug', 'the level debug');
    process.kill(stack.proxy.pid() ?? 0, 'SIGUSR2');
    await until(() => changes().at(-1) === 'info', 'the usual level');
  });

  it('names no user, no credential and nothing that was said', () => {
    assert.doesNotMatch(stack.log(), /bob@example|secret plan|sk-sandbox/);
    assert.ok(!stack.log().includes(stack.token));
  });
});
