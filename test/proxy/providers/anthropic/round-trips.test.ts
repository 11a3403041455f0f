import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { toCompletion } from '../../../../proxy/providers/anthropic/chat/answer.ts';
import { askByMessage } from '../../../../proxy/providers/anthropic/chat/ask.ts';
import { chat } from '../../../../proxy/providers/anthropic/chat.ts';
import { makeMessageReader } from '../../../../proxy/providers/anthropic/message-reader.ts';
import type { Body } from '../../../../proxy/providers/json.ts';
import { chat as openAiChat } from '../../../../proxy/providers/openai/chat.ts';
import { toMessage } from '../../../../proxy/providers/openai/messages/answer.ts';
import { askByChat } from '../../../../proxy/providers/openai/messages/ask.ts';
import { messagesByChat } from '../../../../proxy/providers/openai/messages.ts';
import type { StreamReader } from '../../../../proxy/providers/reading.ts';
import { translating } from '../../../../proxy/providers/translating.ts';
import { makeKey } from '../../snapshot.ts';

const id = fc.stringMatching(/^[a-zA-Z0-9_-]{1,20}$/);
const words = fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' });
const input: fc.Arbitrary<Body> = fc
  .dictionary(fc.stringMatching(/^[a-z]{1,6}$/), fc.oneof(words, fc.integer(), fc.boolean()), {
    maxKeys: 3,
  })
  // Without the prototypes that fast-check leaves out.
  .map((given) => JSON.parse(JSON.stringify(given)));
const calls = fc.uniqueArray(fc.record({ id, name: id, input }), { maxLength: 3, selector: ({ id }) => id });

/** What is said in turns: a user's words, and an assistant's words and calls with their results. */
const turns = fc.array(
  fc.record({ asked: words, said: words, calls, results: fc.array(words, { minLength: 3, maxLength: 3 }) }),
  {
    minLength: 1,
    maxLength: 4,
  },
);

type Turns = typeof turns extends fc.Arbitrary<infer Value> ? Value : never;

function chatOf(said: Turns): Body[] {
  return said.flatMap(({ asked, said: text, calls: made, results }) => [
    { role: 'user', content: asked },
    {
      role: 'assistant',
      content: text,
      ...(made.length > 0 && {
        tool_calls: made.map((call) => ({
          id: call.id,
          type: 'function',
          function: { name: call.name, arguments: JSON.stringify(call.input) },
        })),
      }),
    },
    ...made.map((call, index) => ({ role: 'tool', tool_call_id: call.id, content: results[index] ?? '' })),
  ]);
}

test('a conversation that is carried to Anthropic and back says the same', () => {
  fc.assert(
    fc.property(turns, fc.array(words, { maxLength: 2 }), (said, system) => {
      const instructions = system.map((content) => ({ role: 'system', content }));
      const body = { model: 'm', max_tokens: 9, messages: [...instructions, ...chatOf(said)] };
      const there = askByMessage(body, 'anthropic');
      const { messages } = askByChat(there, 'openai', 'max_tokens');
      const joined = system.length === 0 ? [] : [{ role: 'system', content: system.join('\n\n') }];
      assert.deepEqual(messages, [...joined, ...chatOf(said)]);
    }),
  );
});

const usage = fc.record({
  input_tokens: fc.nat(1_000),
  cache_read_input_tokens: fc.nat(1_000),
  cache_creation_input_tokens: fc.nat(1_000),
  output_tokens: fc.nat(1_000),
});
const answer = fc.record({ text: fc.option(words, { nil: undefined }), calls, usage });

function messageOf({
  text,
  calls: made,
  usage: counted,
}: {
  text: string | undefined;
  calls: Body[];
  usage: Body;
}): Body {
  const blocks = made.map((call) => ({ type: 'tool_use', caller: { type: 'direct' }, ...call }));
  return {
    id: 'msg_1',
    model: 'claude-sonnet-4-6',
    content: [...(text === undefined ? [] : [{ type: 'text', text, citations: null }]), ...blocks],
    stop_reason: made.length > 0 ? 'tool_use' : 'end_turn',
    usage: counted,
  };
}

test('an answer that is carried to a client of OpenAI and back says and counts the same', () => {
  fc.assert(
    fc.property(answer, (given) => {
      const message = messageOf(given);
      const back = toMessage(toCompletion(message));
      assert.deepEqual([back.content, back.stop_reason], [message.content, message.stop_reason]);
      const { input_tokens, output_tokens, cache_read_input_tokens } = back.usage as Body;
      assert.deepEqual(
        [input_tokens, output_tokens, cache_read_input_tokens],
        [given.usage.input_tokens, given.usage.output_tokens, given.usage.cache_read_input_tokens],
      );
    }),
  );
});

/** The events of a message, each text and input in pieces. */
function eventsOf(message: Body): string {
  const write = (data: Body) => `event: ${String(data.type)}\ndata: ${JSON.stringify(data)}\n\n`;
  const { content, usage: counted, stop_reason, ...head } = message;
  const blocks = (content as Body[]).flatMap((block, index) => {
    const text = block.type === 'text' ? String(block.text) : JSON.stringify(block.input);
    const half = Math.ceil(text.length / 2);
    const deltas = [text.slice(0, half), text.slice(half)].map((piece) =>
      block.type === 'text' ? { type: 'text_delta', text: piece } : { type: 'input_json_delta', partial_json: piece },
    );
    const begun = block.type === 'text' ? { ...block, text: '' } : { ...block, input: {} };
    return [
      write({ type: 'content_block_start', index, content_block: begun }),
      ...deltas.map((delta) => write({ type: 'content_block_delta', index, delta })),
      write({ type: 'content_block_stop', index }),
    ];
  });
  return [
    write({ type: 'message_start', message: { ...head, content: [], usage: counted } }),
    write({ type: 'ping' }),
    ...blocks,
    write({ type: 'message_delta', delta: { stop_reason }, usage: counted }),
    write({ type: 'message_stop' }),
  ].join('');
}

/** Feeds a stream through a translation, cut into chunks at these places. */
function translate(format: typeof chat, stream: string | Buffer, cuts: readonly number[]): Buffer {
  const bytes = Buffer.from(stream);
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  const shown: Buffer[] = [];
  const sink = {
    head() {},
    chunk: (chunk: Buffer) => shown.push(chunk) > 0,
    end: (last?: Buffer) => void (last && shown.push(last)),
    fail() {},
  };
  const { translation = assert.fail() } = format;
  const exchange = translating((_, next) => {
    next.head(200, { 'content-type': 'text/event-stream' });
    for (const [index, place] of places.slice(1).entries()) next.chunk(bytes.subarray(places[index], place));
    next.end();
    return { resume() {}, abort() {}, drop() {} };
  }, translation);
  exchange(
    { method: 'POST', path: '', key: makeKey('c1f0a4de-1c65-4c0e-8d5e-3a5b6e7f8091'), headers: {}, body: '' },
    sink,
  );
  return Buffer.concat(shown);
}

function readAll(reader: StreamReader, bytes: Buffer): Body {
  reader.read(bytes);
  reader.end();
  assert.ok(reader.reading());
  return JSON.parse(reader.output() ?? '{}');
}

test('a stream is translated like the whole answer, wherever it is cut, and back', () => {
  const options = { hideUsage: false, keepOutput: true, body: {} };
  fc.assert(
    fc.property(answer, fc.array(fc.nat(), { maxLength: 5 }), (given, cuts) => {
      const message = messageOf(given);
      const chunks = translate(chat, eventsOf(message), cuts);
      const reader = openAiChat.readStream(options);
      const { choices } = readAll(reader, chunks) as { choices: { message: Body; finish_reason: string }[] };
      const whole = toCompletion(message).choices as { message: Body; finish_reason: string }[];
      assert.equal(choices[0]?.message.content ?? '', whole[0]?.message.content ?? '');
      assert.deepEqual(choices[0]?.message.tool_calls, whole[0]?.message.tool_calls);
      assert.equal(choices[0]?.finish_reason, whole[0]?.finish_reason);
      const { inputTokens, cacheWriteTokens, outputTokens } = reader.partial().usage;
      const { input_tokens, cache_read_input_tokens, cache_creation_input_tokens, output_tokens } = given.usage;
      const input = input_tokens + cache_read_input_tokens + cache_creation_input_tokens;
      assert.deepEqual(
        [inputTokens, cacheWriteTokens, outputTokens],
        [input, cache_creation_input_tokens, output_tokens],
      );
      const back = translate(messagesByChat('max_tokens'), chunks, cuts);
      const again = readAll(makeMessageReader(true, false), back);
      assert.deepEqual([again.content, again.stop_reason], [message.content, message.stop_reason]);
    }),
  );
});

test('numbers of tools keep their digits, there and back', () => {
  const json = '{"id":12345678901234567890,"rate":1.50}';
  const call = { id: 'c', type: 'function', function: { name: 'f', arguments: json } };
  const asked = askByMessage({ model: 'm', messages: [{ role: 'assistant', tool_calls: [call] }] }, 'anthropic');
  assert.ok(JSON.stringify(asked).includes(json));
});
