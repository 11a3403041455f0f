import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { before, describe, it } from 'node:test';
import { suiteScope } from '../../scope.ts';
import {
  type Answer,
  type ScriptedProvider,
  sendJson,
  sendStream,
  startScriptedProvider,
} from '../../scripted-provider.ts';
import { type Stack, startStack } from '../../stack.ts';
import { allowEveryModel } from '../allow-every-model.ts';
import { stateGuardrails } from './state-guardrails.ts';

const email = 'ana.silva@example.com';
const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
const sse = (data: object) => `${'type' in data ? `event: ${data.type}\n` : ''}data: ${JSON.stringify(data)}\n\n`;
const delta = (change: object, index = 0) =>
  sse({
    id: 'c',
    object: 'chat.completion.chunk',
    model: 'gpt-4o',
    choices: [{ index, delta: change, finish_reason: null }],
  });
const stop = (index = 0) =>
  sse({
    id: 'c',
    object: 'chat.completion.chunk',
    model: 'gpt-4o',
    choices: [{ index, delta: {}, finish_reason: 'stop' }],
  });
const end = [stop(), sse({ id: 'c', choices: [], usage }), 'data: [DONE]\n\n'];
const chat = { model: 'gpt-4o', messages: [{ role: 'user', content: 'Hi' }] };
const response = { id: 'resp_1', object: 'response', model: 'gpt-4o', status: 'in_progress', output: [] as object[] };
const responseUsage = { input_tokens: 3, output_tokens: 2, total_tokens: 5 };
const called = {
  type: 'function_call',
  id: 'fc_1',
  call_id: 'call_1',
  name: 'mail',
  arguments: JSON.stringify({ to: email }),
};
const completed = (output: object[], status = 'completed') => ({ ...response, status, output, usage: responseUsage });

interface Report {
  readonly guards: string;
  readonly report: string;
  readonly path: string;
  readonly body: object;
  readonly answer: Answer;
  /** Other guardrails than the one that replaces addresses. */
  readonly rule?: object;
  readonly check: (text: string, status: number) => void;
}

const isClean = (text: string) => {
  assert.doesNotMatch(text.replaceAll(/\\u0040/g, '@'), /silva|example\.com/);
  assert.match(text, /EMAIL_/);
};
const isBlocked = (text: string) => {
  assert.doesNotMatch(text, /silva/);
  assert.match(text, /guardrail_blocked/);
};
const blocking = { name: 'mail', action: 'Block', appliesTo: 'Output', pii: { kinds: ['email'] } };

const reports: readonly Report[] = [
  {
    guards: 'a value that is split between two events of a stream passes',
    report: 'https://github.com/BerriAI/litellm/issues/41611',
    path: '/chat/completions',
    body: { ...chat, stream: true },
    answer: (to) =>
      sendStream(to, [
        delta({ content: 'Ask ana.sil' }),
        delta({ content: 'va@exam' }),
        delta({ content: 'ple.com now' }),
        ...end,
      ]),
    check: isClean,
  },
  {
    guards: 'a guardrail on answers does nothing where the call is a stream',
    report: 'https://github.com/api7/aisix/issues/204',
    path: '/responses',
    body: { model: 'gpt-4o', input: 'Hi', stream: true },
    rule: blocking,
    answer: (to) =>
      sendStream(to, [
        sse({ type: 'response.created', sequence_number: 0, response }),
        sse({
          type: 'response.output_text.delta',
          sequence_number: 1,
          item_id: 'm',
          output_index: 0,
          content_index: 0,
          delta: `Ask ${email} now`,
        }),
        sse({ type: 'response.completed', sequence_number: 2, response: completed([]) }),
      ]),
    check: isBlocked,
  },
  {
    guards: 'the arguments of a tool in a response are not looked at',
    report: 'https://github.com/api7/aisix/issues/546',
    path: '/responses',
    body: { model: 'gpt-4o', input: 'Hi' },
    rule: blocking,
    answer: (to) => sendJson(to, completed([called])),
    check: isBlocked,
  },
  {
    guards: 'the arguments of a tool in a stream of a response are not looked at',
    report: 'https://github.com/api7/aisix/pull/553',
    path: '/responses',
    body: { model: 'gpt-4o', input: 'Hi', stream: true },
    answer: (to) =>
      sendStream(to, [
        sse({ type: 'response.created', sequence_number: 0, response }),
        sse({
          type: 'response.output_item.added',
          sequence_number: 1,
          output_index: 0,
          item: { ...called, arguments: '' },
        }),
        ...[called.arguments.slice(0, 14), called.arguments.slice(14)].map((part, at) =>
          sse({
            type: 'response.function_call_arguments.delta',
            sequence_number: 2 + at,
            item_id: 'fc_1',
            output_index: 0,
            delta: part,
          }),
        ),
        sse({
          type: 'response.function_call_arguments.done',
          sequence_number: 4,
          item_id: 'fc_1',
          output_index: 0,
          name: 'mail',
          arguments: called.arguments,
        }),
        sse({ type: 'response.output_item.done', sequence_number: 5, output_index: 0, item: called }),
        sse({ type: 'response.completed', sequence_number: 6, response: completed([called]) }),
      ]),
    check: isClean,
  },
  {
    guards: 'an answer that was cut by its bound is not looked at',
    report: 'https://github.com/api7/aisix/pull/553',
    path: '/responses',
    body: { model: 'gpt-4o', input: 'Hi', stream: true },
    answer: (to) =>
      sendStream(to, [
        sse({ type: 'response.created', sequence_number: 0, response }),
        sse({ type: 'response.incomplete', sequence_number: 1, response: completed([called], 'incomplete') }),
      ]),
    check: isClean,
  },
  {
    guards: 'events that a guardrail does not know pass as they are',
    report: 'https://github.com/BerriAI/litellm/pull/35999',
    path: '/responses',
    body: { model: 'gpt-4o', input: 'Hi', stream: true },
    answer: (to) =>
      sendStream(to, [
        sse({ type: 'response.created', sequence_number: 0, response }),
        sse({
          type: 'response.thought_of_tomorrow.done',
          sequence_number: 1,
          item_id: 'm',
          output_index: 0,
          text: `Ask ${email} now`,
        }),
        sse({ type: 'response.completed', sequence_number: 2, response: completed([]) }),
      ]),
    check: isClean,
  },
  {
    guards: 'only the first of several answers of one call is looked at',
    report: 'https://github.com/BerriAI/litellm/pull/35999',
    path: '/chat/completions',
    body: { ...chat, stream: true, n: 2 },
    answer: (to) =>
      sendStream(to, [
        delta({ content: 'Ask ' }),
        delta({ content: 'Ask ana.sil' }, 1),
        delta({ content: 'nobody.' }),
        delta({ content: 'va@example.com now' }, 1),
        stop(),
        stop(1),
        'data: [DONE]\n\n',
      ]),
    check: isClean,
  },
  {
    guards: 'a block inside a stream becomes a redaction, and the stream ends as if it were whole',
    report: 'https://github.com/BerriAI/litellm/pull/31503',
    path: '/chat/completions',
    body: { ...chat, stream: true },
    rule: blocking,
    answer: (to) => sendStream(to, [delta({ content: `Ask ${email} now` }), ...end]),
    check(text) {
      isBlocked(text);
      assert.doesNotMatch(text, /\[DONE\]|"finish_reason":"stop"/);
    },
  },
  {
    guards: 'another spelling of a path passes unseen',
    report: 'https://github.com/BerriAI/litellm/pull/35818',
    path: '//responses',
    body: { model: 'gpt-4o', input: 'Hi' },
    rule: blocking,
    answer: (to) =>
      sendJson(
        to,
        completed([{ type: 'message', role: 'assistant', content: [{ type: 'output_text', text: email }] }]),
      ),
    check: isBlocked,
  },
  {
    guards: 'a check that fails lets everything pass',
    report: 'https://github.com/BerriAI/litellm/issues/30728',
    path: '/chat/completions',
    body: chat,
    rule: {
      name: 'away',
      action: 'Block',
      appliesTo: 'Both',
      external: { url: 'http://127.0.0.1:9/check', timeout: '1s' },
    },
    answer: (to) => sendJson(to, { id: 'c', model: 'gpt-4o', choices: [], usage }),
    check(text, status) {
      assert.deepEqual([status, JSON.parse(text).error.code], [503, 'guardrail_unavailable']);
    },
  },
];

/** What users of other gateways have reported about guardrails, through the front door. Each names the public report. */
describe('what users of other gateways have reported about guardrails', () => {
  const scope = suiteScope();
  let provider: ScriptedProvider;
  let stack: Stack;
  before(async () => {
    provider = await startScriptedProvider(scope);
    stack = await startStack(scope, { upstreamUrl: provider.url });
    await allowEveryModel(stack);
  });

  const ask = (path: string, body: object) =>
    fetch(`${stack.baseUrl}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${stack.token}`, 'x-user-id': 'ada', 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });

  for (const { guards, report, path, body, answer, rule, check } of reports) {
    it(`not here: ${guards} (${report})`, async () => {
      await stateGuardrails(stack, [
        rule ?? { name: 'mail', action: 'Redact', appliesTo: 'Output', pii: { kinds: ['email'] } },
      ]);
      provider.answer = answer;
      const answered = await ask(path, body);
      check(await answered.text(), answered.status);
    });
  }

  it('not here: a stream arrives as one piece, once all of it was looked at (https://github.com/BerriAI/litellm/pull/31503)', async () => {
    await stateGuardrails(stack, [{ name: 'mail', action: 'Redact', appliesTo: 'Output', pii: {} }]);
    const held = Promise.withResolvers<ServerResponse>();
    provider.answer = (to) => {
      to.writeHead(200, { 'content-type': 'text/event-stream' });
      to.write(delta({ content: 'The first sentence is there.' }));
      to.write(delta({ content: ' And the second' }));
      held.resolve(to);
    };
    const answered = await ask('/chat/completions', { ...chat, stream: true });
    const reader = answered.body?.pipeThrough(new TextDecoderStream()).getReader();
    let seen = '';
    // The provider sends no more before the client has this.
    while (!seen.includes('The first sentence is there.')) seen += (await reader?.read())?.value ?? assert.fail(seen);
    const to = await held.promise;
    to.write(delta({ content: ` is of ${email}.` }));
    to.end(end.join(''));
    for (let next = await reader?.read(); next && !next.done; next = await reader?.read()) seen += next.value;
    isClean(seen);
  });
});
