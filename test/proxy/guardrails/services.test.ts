import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import OpenAI from 'openai';
import { makeMayConnect } from '../../../proxy/egress/addresses.ts';
import { makeOpenAI } from '../../openai.ts';
import { suiteScope } from '../../scope.ts';
import { type ScriptedProvider, sendJson, sendStream, startScriptedProvider } from '../../scripted-provider.ts';
import { type Stack, startStack } from '../../stack.ts';
import { allowEveryModel } from '../allow-every-model.ts';
import { metricsOf, stateGuardrails } from './state-guardrails.ts';

/** Rules that ask others: the provider's moderation, and services of the platform. They never fail open by themselves. */
describe('guardrails that ask a service', () => {
  const scope = suiteScope();
  let provider: ScriptedProvider;
  let stack: Stack;
  let client: OpenAI;
  let service: Server;
  let url: string;
  let answer: (response: ServerResponse, request: IncomingMessage) => void;
  let asked: Record<string, unknown>[] = [];
  /** What the provider's moderation answers. */
  let moderate: (response: ServerResponse) => void;

  before(async () => {
    provider = await startScriptedProvider(scope);
    provider.answer = (response, { path }) => {
      if (path.endsWith('/moderations')) return moderate(response);
      return sendJson(response, completion('Hello'));
    };
    service = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      asked.push(JSON.parse(Buffer.concat(chunks).toString()));
      answer(response, request);
    });
    await once(service.listen(0, '127.0.0.1'), 'listening');
    url = `http://127.0.0.1:${(service.address() as AddressInfo).port}/check`;
    stack = await startStack(scope, { upstreamUrl: provider.url });
    await allowEveryModel(stack);
    client = makeOpenAI(stack);
  });
  after(() => service.close().closeAllConnections());

  const say = (content = 'Hi') =>
    client.chat.completions.create({ model: 'gpt-4o', messages: [{ role: 'user', content }] });
  /** What becomes of a call: `passes`, or the status and the code of its refusal. */
  const fate = () =>
    say().then(
      () => 'passes',
      (error: unknown) => (error instanceof OpenAI.APIError ? `${error.status} ${error.code}` : String(error)),
    );
  const external = (fields: object = {}, rule: object = {}) => [
    {
      name: 'check',
      appliesTo: 'Input',
      action: 'Block',
      external: { url, networks: ['127.0.0.0/8'], timeout: '1s', ...fields },
      ...rule,
    },
  ];
  const verdict = (value: string) => (response: ServerResponse) => sendJson(response, { verdict: value });

  const answers: readonly (readonly [string, (response: ServerResponse) => void, string])[] = [
    ['passes', verdict('pass'), 'passes'],
    ['blocks', verdict('block'), '400 guardrail_blocked'],
    ['says something else', verdict('maybe'), '503 guardrail_unavailable'],
    ['fails', (response) => response.writeHead(500).end(), '503 guardrail_unavailable'],
    [
      'passes with an error status',
      (response) => sendJson(response, { verdict: 'pass' }, 502),
      '503 guardrail_unavailable',
    ],
    ['is no JSON', (response) => response.end('pass'), '503 guardrail_unavailable'],
    ['redirects', (response) => response.writeHead(307, { location: `${url}2` }).end(), '503 guardrail_unavailable'],
    ['breaks off', (response) => response.destroy(), '503 guardrail_unavailable'],
    ['never comes', () => {}, '503 guardrail_unavailable'],
    ['is endless', (response) => response.writeHead(200).end(`"${'x'.repeat(100_000)}"`), '503 guardrail_unavailable'],
  ];
  for (const [name, given, wanted] of answers) {
    it(`an answer that ${name}: ${wanted}`, async () => {
      await stateGuardrails(stack, external());
      answer = given;
      const before = provider.requests.length;
      assert.equal(await fate(), wanted);
      assert.equal(provider.requests.length, wanted === 'passes' ? before + 1 : before);
    });
  }

  it('a service is told what the contract says, and no more', async () => {
    await stateGuardrails(stack, external());
    asked = [];
    answer = verdict('pass');
    await say('Good day');
    assert.deepEqual(asked, [
      { version: 1, rule: 'check', side: 'input', operation: 'chat', model: 'gpt-4o', texts: ['Good day'] },
    ]);
  });

  it('a rule that says so lets calls pass where its service fails, and that is counted', async () => {
    await stateGuardrails(stack, external({ onError: 'Pass' }));
    answer = (response) => response.writeHead(500).end();
    assert.equal(await fate(), 'passes');
    assert.match(
      await metricsOf(stack),
      /chaperone_guardrail_hits_total\{[^}]*rule="check",detector="external",side="Input",action="Error"[^}]*\} \d/,
    );
  });

  it('a service that is not there refuses calls', async () => {
    await stateGuardrails(stack, external({ url: 'http://127.0.0.1:9/' }));
    assert.equal(await fate(), '503 guardrail_unavailable');
  });

  it('a service in a forbidden place is not asked', async () => {
    asked = [];
    for (const forbidden of [
      url,
      url.replace('127.0.0.1', 'localhost'),
      url.replace('127.0.0.1', '[::ffff:127.0.0.1]'),
    ]) {
      await stateGuardrails(stack, external({ url: forbidden, networks: ['10.0.0.0/8'] }));
      answer = verdict('pass');
      assert.equal(await fate(), '503 guardrail_unavailable');
    }
    assert.deepEqual(asked, []);
  });

  it('an answer is held back until the service has judged it, streaming or not', async () => {
    await stateGuardrails(stack, external({}, { appliesTo: 'Output' }));
    answer = verdict('block');
    assert.equal(await fate(), '400 guardrail_blocked');
    const former = provider.answer;
    provider.answer = (response) =>
      sendStream(response, [
        `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: 'Hello' }, finish_reason: null }] })}\n\n`,
        `data: ${JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })}\n\n`,
        'data: [DONE]\n\n',
      ]);
    const read = async () => {
      const stream = await client.chat.completions.create({
        model: 'gpt-4o',
        stream: true,
        messages: [{ role: 'user', content: 'Hi' }],
      });
      let said = '';
      for await (const chunk of stream) said += chunk.choices[0]?.delta.content ?? '';
      return said;
    };
    await assert.rejects(read(), { code: 'guardrail_blocked' });
    answer = verdict('pass');
    assert.equal(await read(), 'Hello');
    provider.answer = former;
  });

  const moderation =
    (categories: object, scores: object = {}) =>
    (response: ServerResponse) =>
      sendJson(response, { results: [{ flagged: false, categories, category_scores: scores }] });
  const moderations: readonly (readonly [string, object, (response: ServerResponse) => void, string])[] = [
    ['nothing', {}, moderation({ violence: false }), 'passes'],
    ['a category', {}, moderation({ violence: true }), '400 guardrail_blocked'],
    ['a category that does not count', { categories: ['hate*'] }, moderation({ violence: true }), 'passes'],
    ['a score', { threshold: '0.2' }, moderation({ violence: false }, { violence: 0.3 }), '400 guardrail_blocked'],
    ['a low score', { threshold: '0.2' }, moderation({ violence: true }, { violence: 0.1 }), 'passes'],
    ['an error', {}, (response) => response.writeHead(500).end(), '503 guardrail_unavailable'],
    ['no results', {}, (response) => sendJson(response, { results: [] }), '503 guardrail_unavailable'],
    ['nothing in time', { timeout: '200ms' }, () => {}, '503 guardrail_unavailable'],
  ];
  for (const [name, fields, given, wanted] of moderations) {
    it(`a moderation that finds ${name}: ${wanted}`, async () => {
      await stateGuardrails(stack, [{ name: 'mod', appliesTo: 'Input', action: 'Block', moderation: fields }]);
      moderate = given;
      assert.equal(await fate(), wanted);
    });
  }

  it('an answer must be JSON of the schema', async () => {
    const schema = { type: 'object', required: ['name'] };
    await stateGuardrails(stack, [{ name: 'shape', appliesTo: 'Output', action: 'Block', schema: { schema } }]);
    const former = provider.answer;
    for (const [content, wanted] of [
      ['{"name":"Ana"}', 'passes'],
      ['{}', '400 guardrail_blocked'],
      ['Hello', '400 guardrail_blocked'],
    ] as const) {
      provider.answer = (response) => sendJson(response, completion(content));
      assert.equal(await fate(), wanted, content);
    }
    provider.answer = former;
  });
});

describe('the addresses of checks', () => {
  const cases: readonly (readonly [string, boolean])[] = [
    ['10.1.2.3', true],
    ['192.168.1.1', true],
    ['93.184.216.34', true],
    ['fd12::1', true],
    ['127.0.0.1', false],
    ['127.9.9.9', false],
    ['0.0.0.0', false],
    ['169.254.169.254', false],
    ['224.0.0.1', false],
    ['255.255.255.255', false],
    ['::1', false],
    ['::', false],
    ['::ffff:127.0.0.1', false],
    ['::ffff:7f00:1', false],
    ['::ffff:a9fe:a9fe', false],
    ['64:ff9b::a9fe:a9fe', false],
    ['fe80::1', false],
    ['fd00:ec2::254', false],
    ['not an address', false],
  ];
  for (const [address, may] of cases) {
    it(`${address}: ${may ? 'allowed' : 'forbidden'}`, () => assert.equal(makeMayConnect(undefined)(address), may));
  }

  it('only the networks that a rule names are allowed', () => {
    const mayConnect = makeMayConnect(['127.0.0.0/8', 'fd00::/8']);
    assert.deepEqual(['127.0.0.1', '::ffff:127.0.0.1', 'fd00::1', '10.0.0.1'].map(mayConnect), [
      true,
      true,
      true,
      false,
    ]);
  });
});

function completion(content: string): object {
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    model: 'gpt-4o',
    choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 11, completion_tokens: 3, total_tokens: 14 },
  };
}
