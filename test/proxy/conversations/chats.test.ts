import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { makeChats, type Sent, sentBy } from '../../../proxy/conversations/chats.ts';
import { listMessages } from '../../../proxy/conversations/messages.ts';
import type { Body } from '../../../proxy/providers/json.ts';

const scope = 1;
const first = { role: 'user', content: 'Where is my order?' };
const answer = { role: 'assistant', content: 'On its way: [{"a": "}]}"}]' };
const inParts = (text: string) => ({ content: [{ type: 'text', text }], role: 'user' });

function send(text: string, operation: 'chat' | 'responses' = 'chat'): Sent {
  const body: Body = JSON.parse(text);
  const list = listMessages(operation, body);
  assert.ok(list);
  return sentBy(scope, list, Buffer.from(text));
}

/** What is found of a call after another one. */
function find(before: Sent, call: Sent) {
  const chats = makeChats();
  const root = { conversationId: '', digest: 2 };
  chats.note(before, { root, point: 3, messages: before.list.values.length });
  return chats.find(call);
}

/** How clients write the bodies of two calls, of which the second one continues the first. */
const ways: Readonly<Record<string, readonly [before: string, call: string]>> = {
  'messages last': pair((messages) => JSON.stringify({ model: 'm', messages })),
  'messages first': pair((messages) => JSON.stringify({ messages, model: 'm', stream: true })),
  'with spaces': pair((messages) => JSON.stringify({ messages, temperature: 1 }, null, 2)),
  'the role after the content': pair((messages) => JSON.stringify({ messages }), {
    content: 'Where is it (now)?',
    role: 'user',
  }),
  parts: pair((messages) => JSON.stringify({ messages, tools: [{ a: ['b'] }] }), inParts('Where is it now?')),
  'the result of a tool': pair((messages) => JSON.stringify({ messages }), {
    role: 'tool',
    content: 'In Rome',
    tool_call_id: 'call_1',
  }),
  'other letters': pair((messages) => JSON.stringify({ messages }), { role: 'user', content: 'Où est-elle à présent' }),
};

function pair(write: (messages: readonly unknown[]) => string, said: unknown = first): [string, string] {
  return [write([first, answer, said]), write([first, answer, said, answer, first])];
}

describe('the next call of a chat is found by its bytes:', () => {
  for (const [name, [before, call]] of Object.entries(ways)) {
    test(name, () => {
      const { chat, turn } = find(send(before), send(call)) ?? {};
      assert.deepEqual([chat?.point, turn?.reply.length, turn?.fresh.length], [3, 1, 1]);
    });
  }

  test('items of the Responses API', () => {
    const write = (...input: readonly unknown[]) => JSON.stringify({ model: 'm', input, store: false });
    const called = { type: 'function_call', call_id: 'call_1', name: 'find', arguments: '{}' };
    const output = { type: 'function_call_output', call_id: 'call_1', output: 'in Rome' };
    const before = write(first, called, output);
    const found = find(send(before, 'responses'), send(write(first, called, output, answer, first), 'responses'));
    assert.equal(found?.turn.reply.length, 1);
  });
});

describe('a call is read as a whole', () => {
  const write = (...messages: readonly unknown[]) => send(JSON.stringify({ model: 'm', messages, stream: true }));
  const before = write(first, answer, first);
  const calls: Readonly<Record<string, Sent>> = {
    'that is the same one': before,
    'with another message in the middle': write(first, { ...answer, content: 'Lost.' }, first, answer, first),
    'that changes one character': write({ ...first, content: 'Where is my Order?' }, answer, first, answer, first),
    'whose last message went on': write(first, answer, { ...first, content: `${first.content} Now?` }, answer, first),
    'whose last message has more fields': write(first, answer, { ...first, name: 'Ada' }, answer, first),
    'with two turns more': write(first, answer, first, answer, first, answer, first),
    'without an answer': write(first, answer, first, first),
    'whose answer is to be continued': write(first, answer, first, answer, first, answer),
    'that is of another model': send(
      JSON.stringify({ model: 'n', messages: [first, answer, first, answer, first], stream: true }),
    ),
  };
  for (const [name, call] of Object.entries(calls)) test(name, () => assert.equal(find(before, call), undefined, name));

  const uncertain = ['quoted "so"', 'a smile 🙂', 'a line\n', ''];
  for (const content of uncertain) {
    test(`after a message whose end is not certain: ${JSON.stringify(content)}`, () => {
      const said = { role: 'user', content };
      assert.equal(find(write(first, answer, said), write(first, answer, said, answer, first)), undefined);
    });
  }

  test('by another user, or in another session', () => {
    const next = write(first, answer, first, answer, first);
    assert.deepEqual(
      [find(before, next)?.chat.point, find(before, { ...next, scope: scope + 2 ** 40 })],
      [3, undefined],
    );
  });

  test('where a list after the messages ends with the same words', () => {
    const tool = { role: 'user', content: first.content };
    const body = (...messages: readonly unknown[]) => send(JSON.stringify({ messages, tools: [tool] }));
    assert.equal(find(body(first), body(first, answer, first)), undefined);
  });
});
