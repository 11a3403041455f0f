import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import type OpenAI from 'openai';
import { makeOpenAI } from '../../openai.ts';
import { suiteScope } from '../../scope.ts';
import { type Stack, startStack } from '../../stack.ts';

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const fork = /^branch-[0-9a-f]{8}$/;

interface Told {
  readonly conversation: string;
  readonly branch: string;
}

function toldBy({ headers }: Pick<Response, 'headers'>): Told {
  return { conversation: headers.get('x-conversation-id') ?? '', branch: headers.get('x-branch-id') ?? '' };
}

describe('conversations through the front door', () => {
  const scope = suiteScope();
  let stack: Stack;
  let openAi: OpenAI;

  before(async () => {
    stack = await startStack(scope);
    openAi = makeOpenAI(stack);
  });

  const read = async (path: string, init: { readonly token?: string; readonly user?: string } = {}) => {
    const answer = await fetch(new URL(path, stack.baseUrl), {
      headers: { authorization: `Bearer ${init.token ?? stack.token}`, 'x-user-id': init.user ?? 'bob' },
    });
    return { status: answer.status, body: (await answer.json()) as Conversation };
  };

  it('a chat with a tool is one conversation, and another question at the same point a branch of it', async () => {
    const messages: OpenAI.ChatCompletionMessageParam[] = [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'What is the weather in Rome?' },
    ];
    const say = async (more: OpenAI.ChatCompletionMessageParam[]) => {
      const { data, response } = await openAi.chat.completions
        .create({ model: 'gpt-4o', messages: [...messages, ...more] })
        .withResponse();
      return { ...toldBy(response), reply: data.choices[0]?.message.content ?? '' };
    };
    const first = await say([]);
    assert.match(first.conversation, uuid);
    assert.equal(first.branch, 'main');
    const round: OpenAI.ChatCompletionMessageParam[] = [
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Rome"}' } }],
      },
      { role: 'tool', tool_call_id: 'call_1', content: 'sunny' },
    ];
    const second = await say(round);
    const answered: OpenAI.ChatCompletionMessageParam[] = [...round, { role: 'assistant', content: second.reply }];
    const third = await say([...answered, { role: 'user', content: 'And tomorrow?' }]);
    assert.deepEqual(
      [second, third].map(({ conversation, branch }) => [conversation, branch]),
      [
        [first.conversation, 'main'],
        [first.conversation, 'main'],
      ],
    );
    const other = await say([...answered, { role: 'user', content: 'And in Milan?' }]);
    assert.equal(other.conversation, first.conversation);
    assert.match(other.branch, fork);

    const { body } = await read(`/api/conversations/${first.conversation}?branch=${other.branch}`);
    assert.deepEqual(
      body.tree.map(({ branchId, parentBranchId, calls, messageCount }) => [
        branchId,
        parentBranchId,
        calls,
        messageCount,
      ]),
      [
        ['main', null, 3, 6],
        [other.branch, 'main', 1, 6],
      ],
    );
    assert.deepEqual(
      body.messages?.map(({ role, text }) => [role, text]).filter(([role]) => role !== 'assistant'),
      [
        ['user', 'What is the weather in Rome?'],
        ['tool', 'sunny'],
        ['user', 'And in Milan?'],
      ],
    );
    assert.equal(body.calls, 4);
    assert.equal(body.branches, 2);
  });

  it('responses follow one another by previous_response_id', async () => {
    const ask = async (input: string, previous?: string) => {
      const { data, response } = await openAi.responses
        .create({ model: 'gpt-4o', input, ...(previous && { previous_response_id: previous }) })
        .withResponse();
      return { ...toldBy(response), id: data.id };
    };
    const first = await ask('Tell me a story.');
    const second = await ask('Go on.', first.id);
    const again = await ask('Go on.', first.id);
    const other = await ask('Tell me another one.', first.id);
    const third = await ask('And then?', other.id);
    assert.deepEqual(
      [second, again].map(({ conversation, branch }) => [conversation, branch]),
      [
        [first.conversation, 'main'],
        [first.conversation, 'main'],
      ],
    );
    assert.equal(other.conversation, first.conversation);
    assert.match(other.branch, fork);
    assert.deepEqual([third.conversation, third.branch], [first.conversation, other.branch]);
  });

  it('calls of the Conversations API are one conversation without branches', async () => {
    const { id } = await openAi.conversations.create();
    const ask = async (input: string) => {
      const { response } = await openAi.responses.create({ model: 'gpt-4o', input, conversation: id }).withResponse();
      return toldBy(response);
    };
    const told = await Promise.all([ask('One'), ask('Two'), ask('Three')]);
    assert.equal(new Set(told.map(({ conversation }) => conversation)).size, 1);
    assert.deepEqual(new Set(told.map(({ branch }) => branch)), new Set(['main']));
  });

  it('messages of Anthropic’s API, streamed, are linked as chats are', async () => {
    const anthropic = new Anthropic({
      baseURL: stack.baseUrl.replace(/\/v1$/, ''),
      apiKey: stack.token,
      defaultHeaders: { 'X-User-ID': 'bob' },
      maxRetries: 0,
    });
    const say = async (...messages: Anthropic.MessageParam[]) => {
      const stream = anthropic.messages.stream({ model: 'gpt-4o', max_tokens: 50, messages });
      const { response } = await stream.withResponse();
      await stream.finalMessage();
      return toldBy(response);
    };
    const hello = { role: 'user', content: 'Hello from Anthropic' } as const;
    const first = await say(hello);
    const second = await say(hello, { role: 'assistant', content: 'Hello!' }, { role: 'user', content: 'Go on' });
    assert.match(first.conversation, uuid);
    assert.deepEqual(second, first);
  });

  it('equal calls at the same time do not fork, and different users have different conversations', async () => {
    const ask = async (user: string) => {
      const { response } = await openAi.chat.completions
        .create({ model: 'gpt-4o', messages: [{ role: 'user', content: 'Same' }] }, { headers: { 'X-User-ID': user } })
        .withResponse();
      return toldBy(response);
    };
    const told = await Promise.all(Array.from({ length: 8 }, () => ask('bob')));
    assert.deepEqual(new Set(told.map(({ branch }) => branch)), new Set(['main']));
    assert.equal(new Set(told.map(({ conversation }) => conversation)).size, 1);
    assert.notEqual((await ask('eve')).conversation, told[0]?.conversation);
  });

  it('are read by their user, and by who sees the organization', async () => {
    const { response } = await openAi.chat.completions
      .create({ model: 'gpt-4o', messages: [{ role: 'user', content: 'For my eyes only' }] })
      .withResponse();
    const path = `/api/conversations/${toldBy(response).conversation}`;
    const member = await stack.sign({ roles: ['member'] });
    const analyst = await stack.sign({ roles: ['analyst'] });
    assert.equal((await read(path, { token: member, user: 'bob' })).status, 200);
    assert.equal((await read(path, { token: analyst, user: 'eve' })).status, 200);
    const refused = await read(path, { token: member, user: 'eve' });
    assert.deepEqual([refused.status, refused.body.error?.code], [404, 'conversation_not_found']);
    const listed = await read('/api/conversations?user=bob', { token: member, user: 'eve' });
    assert.equal(listed.status, 403);
    const anonymous = await read(path, { token: 'nonsense' });
    assert.deepEqual([anonymous.status, anonymous.body.error?.code], [401, 'unauthorized']);
    const branch = await read(`${path}?branch=branch-00000000`);
    assert.match(
      String(branch.body.error?.message),
      /^Conversation [0-9a-f-]{36} with branch branch-00000000 not found$/,
    );
    const malformed = await read('/api/conversations/nonsense');
    assert.deepEqual([malformed.status, malformed.body.error?.code], [400, 'invalid_params']);
  });

  it('are listed with filters, the latest first', async () => {
    const ask = async (content: string, session: string, model = 'gpt-4o') => {
      const { response } = await openAi.chat.completions
        .create(
          { model, messages: [{ role: 'user', content }] },
          { headers: { 'X-User-ID': 'lister', 'X-Session-ID': session } },
        )
        .withResponse();
      return toldBy(response).conversation;
    };
    const one = await ask('One', 'morning');
    const two = await ask('Two', 'evening', 'gpt-4o-mini');
    const list = async (query: string) => {
      const { body } = await read(`/api/conversations?user=lister&${query}`);
      return [body.total, ...body.conversations.map(({ conversationId }) => conversationId)];
    };
    const soon = new Date(Date.now() + 60_000).toISOString();
    assert.deepEqual(await list(''), [2, two, one]);
    assert.deepEqual(await list('limit=1&offset=1'), [2, one]);
    assert.deepEqual(await list('session=morning'), [1, one]);
    assert.deepEqual(await list(`until=${soon}&since=2020-01-01`), [2, two, one]);
    assert.deepEqual(await list(`since=${soon}`), [0]);
    const [{ models = [] } = {}] = (await read('/api/conversations?user=lister&session=evening')).body.conversations;
    assert.deepEqual(await list(`model=${models[0]}`), [1, two]);
    assert.equal((await read('/api/conversations?since=yesterday')).status, 400);
  });
});

interface Conversation {
  readonly error?: { readonly code: string; readonly message: string };
  readonly total: number;
  readonly conversations: readonly { readonly conversationId: string; readonly models: readonly string[] }[];
  readonly calls: number;
  readonly branches: number;
  readonly tree: readonly {
    readonly branchId: string;
    readonly parentBranchId: string | null;
    readonly calls: number;
    readonly messageCount: number;
  }[];
  readonly messages?: readonly { readonly role: string; readonly text: string }[];
}
