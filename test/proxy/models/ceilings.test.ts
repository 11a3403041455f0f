import assert from 'node:assert/strict';
import { before, beforeEach, describe, it } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { suiteScope } from '../../scope.ts';
import { sendJson } from '../../scripted-provider.ts';
import { until } from '../../until.ts';
import { type Routed, startRouted } from '../routing/providers.ts';
import { answerAll } from './scripted-answers.ts';

const models = {
  ceilings: [
    {
      name: 'short',
      match: { models: ['gpt-4o*', 'claude-*', 'local-*'] },
      action: 'Lower',
      maxOutputTokens: 1_000,
      maxTemperature: 1,
    },
    { name: 'strict', match: { models: ['strict-*'] }, maxOutputTokens: 500, maxTemperature: 0.5, imageDetail: 'low' },
    { name: 'small-images', match: { models: ['gpt-4o*'] }, action: 'Lower', imageDetail: 'low' },
    { name: 'known-tools', tools: { allow: ['get_*', 'web_search', 'mcp/docs', 'file_search'], deny: ['get_secret'] } },
    { name: 'calm-ears', match: { models: ['whisper-1'] }, action: 'Lower', maxTemperature: 0.5 },
  ],
  defaults: [
    { name: 'for-bob', match: { users: ['bob'] }, temperature: 0.7, serviceTier: 'default' },
    { name: 'for-all', temperature: 0.1, topP: 0.9, reasoningEffort: 'low', store: false },
    { name: 'careful', match: { models: ['plain-*'] }, maxOutputTokens: 300 },
  ],
};

/** Bounds and defaults of what calls ask for, through the front door, with the SDKs of both vendors. */
describe('ceilings and defaults', () => {
  const scope = suiteScope();
  let routed: Routed<'openai' | 'local' | 'anthropic'>;
  let anthropic: Anthropic;
  before(async () => {
    routed = await startRouted(scope, {
      providers: {
        openai: {
          type: 'openai',
          models: ['gpt-*', 'strict-*', 'plain-*', 'whisper-1', 'text-*'].map((name) => ({ name })),
        },
        local: { models: [{ name: 'local-*' }] },
        anthropic: { type: 'anthropic', models: [{ name: 'claude-*' }] },
      },
      spec: { models },
    });
    for (const provider of Object.values(routed.providers)) provider.answer = answerAll([]);
    const { baseUrl, token } = routed;
    const baseURL = baseUrl.replace(/\/v1$/, '');
    anthropic = new Anthropic({ baseURL, apiKey: token, defaultHeaders: { 'X-User-ID': 'bob' }, maxRetries: 0 });
  });
  beforeEach(() => routed.forget());

  const post = (path: string, body: object, user = 'bob') =>
    fetch(routed.baseUrl + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${routed.token}`, 'x-user-id': user, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  /** The error of an answer, in the envelope of either vendor. */
  const errorOf = async (answered: Response) => {
    const { message, code, param, details } = JSON.parse(await answered.text()).error;
    return { message, code: code ?? details?.error_code, param: param ?? details?.param };
  };
  const sent = () => Object.values(routed.providers).flatMap(({ requests }) => requests)[0]?.body ?? {};
  const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: 'user', content: 'Hi' }];
  const said: Anthropic.MessageParam[] = [{ role: 'user', content: 'Hi' }];
  const bobs = { temperature: 0.7, top_p: 0.9 };

  const changed: readonly (readonly [
    what: string,
    path: string,
    body: object,
    expected: object,
    told: string | null,
  ])[] = [
    [
      'a chat that asks for more',
      '/chat/completions',
      { model: 'gpt-4o', messages, max_completion_tokens: 5_000, temperature: 1.5 },
      { max_completion_tokens: 1_000, temperature: 1 },
      'max_completion_tokens=1000;by="short", temperature=1;by="short"',
    ],
    [
      'a chat that bounds its answer by the older field',
      '/chat/completions',
      { model: 'gpt-4o', messages, max_tokens: 5_000 },
      { max_tokens: 1_000, max_completion_tokens: undefined },
      'max_tokens=1000;by="short"',
    ],
    [
      'a chat that says neither',
      '/chat/completions',
      { model: 'gpt-4o', messages, max_tokens: null },
      { max_completion_tokens: 1_000, ...bobs, service_tier: 'default', reasoning_effort: 'low', store: false },
      'max_completion_tokens=1000;by="short"',
    ],
    [
      'a chat at a server that may know the older field alone',
      '/chat/completions',
      { model: 'local-llama', messages },
      { max_tokens: 1_000, max_completion_tokens: undefined },
      'max_completion_tokens=1000;by="short"',
    ],
    [
      'a chat that asks for a number of tokens that servers take for no bound',
      '/chat/completions',
      { model: 'gpt-4o', messages, max_tokens: -1 },
      { max_tokens: 1_000 },
      'max_tokens=1000;by="short"',
    ],
    [
      'a chat within all ceilings',
      '/chat/completions',
      {
        model: 'gpt-4o',
        messages,
        max_tokens: 10,
        temperature: 0,
        top_p: 1,
        reasoning_effort: 'high',
        store: true,
        service_tier: 'flex',
      },
      { max_tokens: 10, temperature: 0, top_p: 1, reasoning_effort: 'high', store: true, service_tier: 'flex' },
      null,
    ],
    [
      'a response',
      '/responses',
      { model: 'gpt-4o', input: 'Hi', max_output_tokens: 4_000, reasoning: { summary: 'auto' } },
      { max_output_tokens: 1_000, reasoning: { summary: 'auto', effort: 'low' }, store: false, ...bobs },
      'max_output_tokens=1000;by="short"',
    ],
    [
      'a response that no ceiling is for',
      '/responses',
      { model: 'plain-1', input: 'Hi' },
      { max_output_tokens: 300 },
      null,
    ],
    [
      'a count of tokens, which has no answer',
      '/responses/input_tokens',
      { model: 'gpt-4o', input: 'Hi' },
      { max_output_tokens: undefined, temperature: undefined, store: undefined, reasoning: undefined },
      null,
    ],
    [
      'a completion',
      '/completions',
      { model: 'gpt-4o', prompt: 'Hi', max_tokens: 2_000 },
      { max_tokens: 1_000, ...bobs, store: undefined, reasoning_effort: undefined },
      'max_tokens=1000;by="short"',
    ],
    [
      'an embedding, which has nothing of it',
      '/embeddings',
      { model: 'gpt-4o', input: 'Hi' },
      { temperature: undefined, max_tokens: undefined, store: undefined },
      null,
    ],
    [
      'a message',
      '/messages',
      {
        model: 'claude-sonnet-4-6',
        messages: said,
        max_tokens: 64_000,
        thinking: { type: 'enabled', budget_tokens: 32_000 },
      },
      {
        max_tokens: 1_000,
        temperature: undefined,
        service_tier: 'standard_only',
        output_config: { effort: 'low' },
        thinking: { type: 'enabled', budget_tokens: 32_000 },
      },
      'max_tokens=1000;by="short"',
    ],
    [
      'the count of the tokens of a message',
      '/messages/count_tokens',
      { model: 'claude-sonnet-4-6', messages: said },
      { max_tokens: undefined, output_config: undefined, service_tier: undefined },
      null,
    ],
    [
      'images of a chat',
      '/chat/completions',
      {
        model: 'gpt-4o',
        max_tokens: 5,
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: 'What?' },
              { type: 'image_url', image_url: { url: 'https://a.test/1.png', detail: 'high' } },
            ],
          },
        ],
      },
      {
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: 'What?' },
              { type: 'image_url', image_url: { url: 'https://a.test/1.png', detail: 'low' } },
            ],
          },
        ],
      },
      'detail=low;by="small-images"',
    ],
    [
      'images of a response that say nothing of their detail',
      '/responses',
      {
        model: 'gpt-4o',
        max_output_tokens: 20,
        input: [{ role: 'user', content: [{ type: 'input_image', image_url: 'https://a.test/1.png' }] }],
      },
      {
        input: [{ role: 'user', content: [{ type: 'input_image', image_url: 'https://a.test/1.png', detail: 'low' }] }],
      },
      'detail=low;by="small-images"',
    ],
  ];
  for (const [what, path, body, expected, told] of changed) {
    it(`set ${what}`, async () => {
      const answered = await post(path, body);
      assert.equal(answered.status, 200, await answered.text());
      const body_ = sent();
      assert.deepEqual(Object.fromEntries(Object.keys(expected).map((name) => [name, body_[name]])), expected);
      assert.equal(answered.headers.get('x-chaperone-lowered'), told);
    });
  }

  const refused: readonly (readonly [
    what: string,
    path: string,
    body: object,
    status: number,
    code: string,
    param: string,
    message: RegExp,
  ])[] = [
    [
      'too many tokens',
      '/chat/completions',
      { model: 'strict-1', messages, max_tokens: 501, temperature: 0 },
      400,
      'ceiling_exceeded',
      'max_tokens',
      /^max_tokens is 501, and the ceiling "strict" of the organization is 500$/,
    ],
    [
      'a temperature that is too high',
      '/responses',
      { model: 'strict-1', input: 'Hi', temperature: 0.6 },
      400,
      'ceiling_exceeded',
      'temperature',
      /^temperature is 0\.6, and the ceiling "strict"/,
    ],
    [
      'more detail',
      '/responses',
      {
        model: 'strict-1',
        input: [{ role: 'user', content: [{ type: 'input_image', image_url: 'x', detail: 'original' }] }],
      },
      400,
      'ceiling_exceeded',
      'input[0].content[0].detail',
      /is "original", and the ceiling "strict" of the organization is low/,
    ],
    [
      'a number as a text',
      '/completions',
      { model: 'strict-1', prompt: 'Hi', max_tokens: 'many' },
      400,
      'invalid_request',
      'max_tokens',
      /must be a number/,
    ],
    [
      'another spelling',
      '/chat/completions',
      { model: 'strict-1', messages, Max_Tokens: 9_000 },
      400,
      'invalid_request',
      'Max_Tokens',
      /must be written max_tokens/,
    ],
    [
      'a denied function',
      '/chat/completions',
      {
        model: 'gpt-4o',
        messages,
        tools: [
          { type: 'function', function: { name: 'get_time' } },
          { type: 'function', function: { name: 'get_secret' } },
        ],
      },
      403,
      'tool_not_allowed',
      'tools[1]',
      /the tool "get_secret": its ceiling "known-tools" denies it/,
    ],
    [
      'an unknown function',
      '/responses',
      { model: 'gpt-4o', input: 'Hi', tools: [{ type: 'function', name: 'rm' }] },
      403,
      'tool_not_allowed',
      'tools[0]',
      /its ceiling "known-tools" does not name it/,
    ],
    [
      'a function of the older field',
      '/chat/completions',
      { model: 'gpt-4o', messages, functions: [{ name: 'rm' }] },
      403,
      'tool_not_allowed',
      'functions[0]',
      /"rm"/,
    ],
    [
      'a tool that the provider runs',
      '/responses',
      { model: 'gpt-4o', input: 'Hi', tools: [{ type: 'code_interpreter', container: { type: 'auto' } }] },
      403,
      'tool_not_allowed',
      'tools[0]',
      /"code_interpreter"/,
    ],
    [
      'a tool of Anthropic’s',
      '/messages',
      { model: 'claude-sonnet-4-6', messages: said, max_tokens: 5, tools: [{ type: 'bash_20250124', name: 'bash' }] },
      403,
      'tool_not_allowed',
      'tools[0]',
      /"bash_20250124"/,
    ],
    [
      'an MCP server',
      '/responses',
      { model: 'gpt-4o', input: 'Hi', tools: [{ type: 'mcp', server_label: 'shell', server_url: 'https://a.test' }] },
      403,
      'tool_not_allowed',
      'tools[0]',
      /"mcp\/shell"/,
    ],
  ];
  for (const [what, path, body, status, code, param, message] of refused) {
    it(`refuse ${what}, by the name of the ceiling`, async () => {
      const answered = await post(path, body);
      const error = await errorOf(answered);
      assert.deepEqual([answered.status, error.code, error.param], [status, code, param]);
      assert.match(error.message, message);
      assert.deepEqual(sent(), {});
    });
  }

  it('let tools pass that they name, whatever their version', async () => {
    const tools = [
      { type: 'web_search_preview_2025_03_11' },
      { type: 'mcp', server_label: 'docs', server_url: 'https://a.test' },
      { type: 'function', name: 'get_time' },
    ];
    assert.equal((await post('/responses', { model: 'gpt-4o', input: 'Hi', tools })).status, 200);
    assert.deepEqual(sent().tools, tools);
  });

  it('raise the errors of the vendors’ SDKs', async () => {
    await assert.rejects(
      routed.client.chat.completions.create({ model: 'strict-1', messages, max_tokens: 900 }),
      (error) => error instanceof OpenAI.BadRequestError && error.code === 'ceiling_exceeded',
    );
    const tools: Anthropic.Tool[] = [{ name: 'rm', input_schema: { type: 'object' } }];
    await assert.rejects(
      anthropic.messages.create({ model: 'claude-sonnet-4-6', messages: said, max_tokens: 5, tools }),
      (error) => error instanceof Anthropic.PermissionDeniedError && error.errorCode === 'tool_not_allowed',
    );
  });

  it('come after what the persona says', async () => {
    const headers = { authorization: `Bearer ${routed.token}`, 'x-user-id': 'bob' };
    const { personas } = JSON.parse(await (await fetch(`${routed.baseUrl}/personas`, { headers })).text());
    const { id } = personas.find(({ name }: { name: string }) => name === 'Support Agent');
    assert.equal((await post('/chat/completions', { model: 'gpt-4o', messages, persona_id: id })).status, 200);
    const { temperature, top_p } = sent();
    assert.deepEqual([temperature, top_p], [0.3, 0.9]);
  });

  it('lower a default, and do not refuse it', async () => {
    assert.equal((await post('/chat/completions', { model: 'strict-1', messages })).status, 200);
    const { temperature, max_completion_tokens } = sent();
    assert.deepEqual([temperature, max_completion_tokens], [0.5, 500]);
  });

  it('hold for an analysis', async () => {
    const { id } = JSON.parse(await (await post('/chat/completions', { model: 'gpt-4o', messages })).text());
    routed.forget();
    const config = { model: 'gpt-4o', analysis_type: 'intent', categories: [{ name: 'billing' }], temperature: 1.5 };
    assert.equal((await post('/analysis', { id, config })).status, 200);
    const { max_completion_tokens, temperature, top_p } = sent();
    assert.deepEqual([max_completion_tokens, temperature, top_p], [1_000, 1, 0.9]);
    const error = await errorOf(await post('/analysis', { id, config: { ...config, model: 'strict-1' } }));
    assert.deepEqual([error.code, error.param], ['ceiling_exceeded', 'temperature']);
  });

  it('are explained by the field that decides', async () => {
    const explain = async (model: string) => {
      const asked = { operation: 'chat', body: { model, messages, max_tokens: 5_000 } };
      const answered = JSON.parse(await (await post('/explain', asked)).text());
      const fields = (check: string) =>
        answered.steps
          .find((step: { check: string }) => step.check === check)
          .decided_by.map(({ field }: { field: string }) => field);
      return { outcome: answered.outcome, defaults: fields('defaults'), ceilings: fields('ceilings') };
    };
    const set = ['spec.models.defaults[0].temperature', 'spec.models.defaults[1].topP'];
    const more = ['reasoningEffort', 'store'].map((field) => `spec.models.defaults[1].${field}`);
    assert.deepEqual(await explain('gpt-4o'), {
      outcome: 'allowed',
      defaults: [...set, more[0], 'spec.models.defaults[0].serviceTier', more[1]],
      ceilings: ['spec.models.ceilings[0]'],
    });
    const { outcome, ceilings } = await explain('strict-1');
    assert.deepEqual([outcome, ceilings], ['refused', ['spec.models.ceilings[1]']]);
  });

  it('are those of the user', async () => {
    await post('/chat/completions', { model: 'gpt-4o', messages }, 'ann');
    assert.equal(sent().temperature, 0.1);
  });

  const form = (order: readonly string[], temperature: string) => {
    const made = new FormData();
    const values: Readonly<Record<string, string | File>> = {
      model: 'whisper-1',
      file: new File(['sound'], 'a.wav'),
      temperature,
    };
    for (const field of order) made.append(field, values[field] ?? '');
    return fetch(`${routed.baseUrl}/audio/transcriptions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${routed.token}`, 'x-user-id': 'bob' },
      body: made,
    });
  };
  for (const order of [
    ['temperature', 'model', 'file'],
    ['model', 'file', 'temperature'],
  ]) {
    it(`hold for a form: ${order.join(', ')}`, async () => {
      assert.equal((await form(order, '0.5')).status, 200);
      const answered = await form(order, '0.6');
      const error = await errorOf(answered);
      assert.deepEqual([answered.status, error.code, error.param], [400, 'ceiling_exceeded', 'temperature']);
    });
  }

  it('hold for each line of a batch, which must say what it asks for', async () => {
    const { openai } = routed.providers;
    const answerBatch = async (lines: readonly object[]) => {
      const text = lines
        .map((body) => JSON.stringify({ custom_id: 'a', method: 'POST', url: '/v1/chat/completions', body }))
        .join('\n');
      openai.answer = (response, request) =>
        request.path.endsWith('/files')
          ? sendJson(response, { id: 'file-1', object: 'file' })
          : request.path.endsWith('/content')
            ? response.writeHead(200).end(text)
            : sendJson(response, { id: 'batch_1', object: 'batch', status: 'validating' });
      const upload = new FormData();
      upload.append('purpose', 'batch');
      upload.append('file', new File([text], 'a.jsonl'));
      await fetch(`${routed.baseUrl}/files`, {
        method: 'POST',
        headers: { authorization: `Bearer ${routed.token}`, 'x-user-id': 'bob' },
        body: upload,
      });
      return post('/batches', { input_file_id: 'file-1', endpoint: '/v1/chat/completions', completion_window: '24h' });
    };
    const good = { model: 'gpt-4o', messages, max_tokens: 1_000 };
    assert.equal((await answerBatch([good, good])).status, 200);
    const bad: readonly (readonly [object, RegExp])[] = [
      [{ ...good, max_tokens: 1_001 }, /^line 2 of the input file: max_tokens is 1001, and the ceiling "short"/],
      [
        { model: 'gpt-4o', messages },
        /^line 2 of the input file: max_completion_tokens must be stated, and the ceiling "short"/,
      ],
      [{ ...good, tools: [{ type: 'function', function: { name: 'rm' } }] }, /^line 2 .*the tool "rm"/],
    ];
    for (const [line, message] of bad) {
      const error = await errorOf(await answerBatch([good, line]));
      assert.match(error.message, message);
    }
    openai.answer = answerAll([]);
  });

  it('count what they set and refuse', async () => {
    const metrics = await (await fetch(`http://127.0.0.1:${routed.proxy.metricsPort}/metrics`)).text();
    assert.match(metrics, /chaperone_ceilings_reached_total\{ceiling="short",field="max_tokens",action="Lower"/);
    assert.match(metrics, /chaperone_ceilings_reached_total\{ceiling="small-images",field="detail",action="Lower"/);
    assert.match(metrics, /chaperone_ceilings_reached_total\{ceiling="known-tools",field="tools",action="Refuse"/);
  });

  it('end with the edit that removes them', async () => {
    await routed.edit({ models: undefined });
    await until(async () => {
      routed.forget();
      await post('/chat/completions', { model: 'gpt-4o', messages, max_tokens: 5_000 });
      return sent().max_tokens === 5_000;
    }, 'the edit');
    assert.equal('temperature' in sent(), false);
  });
});
