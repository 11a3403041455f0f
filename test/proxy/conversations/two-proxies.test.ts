import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { ProxyProcess } from '../../../cli/local/proxies.ts';
import { startProxy } from '../../proxy-process.ts';
import { suiteScope } from '../../scope.ts';
import { type ScriptedProvider, sendJson, startScriptedProvider } from '../../scripted-provider.ts';
import { type Stack, startStack } from '../../stack.ts';
import { until } from '../../until.ts';

const user = (content: string) => ({ role: 'user', content });
const model = (content: string) => ({ role: 'assistant', content });
const beginning = [user('What is the weather in Rome?'), model('Sunny.')];
const milan = [...beginning, user('And in Milan, please?')];
const genoa = [...beginning, user('And in Genoa, please?')];

describe('a conversation over two proxies', () => {
  const scope = suiteScope();
  let provider: ScriptedProvider;
  let stack: Stack;
  let other: ProxyProcess;

  const completion = {
    object: 'chat.completion',
    model: 'gpt-4o',
    choices: [{ index: 0, message: model('Ok'), finish_reason: 'stop' }],
  };
  const answerAtOnce = () => {
    provider.answer = (response) => sendJson(response, { id: 'chatcmpl-1', ...completion });
  };

  before(async () => {
    provider = await startScriptedProvider(scope);
    answerAtOnce();
    stack = await startStack(scope, { upstreamUrl: provider.url });
    other = await startProxy(scope, {
      credentialsDirectory: stack.credentialsDirectory,
      upstreamUrl: provider.url,
    });
  });

  const ask = async (port: number, messages: readonly object[]) => {
    const answer = await fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${stack.token}`, 'x-user-id': 'ada' },
      body: JSON.stringify({ model: 'gpt-4o', messages }),
    });
    assert.equal(answer.status, 200, await answer.text());
    return [answer.headers.get('x-conversation-id'), answer.headers.get('x-branch-id')];
  };
  const countFound = async () => {
    const text = await (await fetch(`http://127.0.0.1:${other.metricsPort}/metrics`)).text();
    return Number(/^chaperone_conversation_look_ups_total\{.*result="found".*\} (\d+)$/m.exec(text)?.[1] ?? 0);
  };
  /** Asks the other proxy, whose provider answers when the look-up is through. */
  const askSlowly = async (messages: readonly object[]) => {
    const found = await countFound();
    provider.answer = async (response) => {
      await until(async () => (await countFound()) > found, 'the look-up');
      sendJson(response, { id: 'chatcmpl-1', ...completion });
    };
    try {
      return await ask(other.port, messages);
    } finally {
      answerAtOnce();
    }
  };

  it('is the same at each, and on its branch where the database knew it before the answer began', async () => {
    const [conversation, main] = await ask(stack.proxy.port, beginning.slice(0, 1));
    assert.equal(main, 'main');
    assert.deepEqual(await ask(stack.proxy.port, milan), [conversation, 'main']);
    const [, branch] = await ask(stack.proxy.port, genoa);
    assert.match(String(branch), /^branch-[0-9a-f]{8}$/);
    const readTree = async () => {
      const stored = await fetch(new URL(`/api/conversations/${conversation}`, stack.baseUrl), {
        headers: { authorization: `Bearer ${stack.token}`, 'x-user-id': 'ada' },
      });
      const { tree = [] } = (await stored.json()) as { tree?: { branchId: string; parentBranchId: string | null }[] };
      return tree;
    };
    await until(async () => (await readTree()).length === 2, 'the calls of this proxy in the database');
    assert.deepEqual(await askSlowly([...genoa, model('Wind.'), user('Thanks')]), [conversation, branch]);
    assert.deepEqual(await askSlowly([...milan, model('Rain.'), user('Thanks')]), [conversation, 'main']);
    const [same, fork] = await askSlowly([...beginning, user('And in Pisa, please?')]);
    assert.equal(same, conversation);
    assert.match(String(fork), /^branch-[0-9a-f]{8}$/);
    assert.notEqual(fork, branch);

    await until(async () => (await readTree()).length === 3, 'the call of the other proxy in the tree');
    const parents = Object.fromEntries(
      (await readTree()).map(({ branchId, parentBranchId }) => [branchId, parentBranchId]),
    );
    assert.deepEqual(parents, { main: null, [String(branch)]: 'main', [String(fork)]: 'main' });
  });
});
