import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import OpenAI from 'openai';
import type { Client } from 'pg';
import { connect } from '../database/tenant.ts';
import { recordOf } from '../recorded-call.ts';
import { suiteScope } from '../scope.ts';
import { type Stack, startStack } from '../stack.ts';

const question = 'What is the weather in Paris?';
const answered = /You said: What is the weather in Paris\? get_weather answered: \{"city":"Paris","celsius":21\}/;

const definition = {
  name: 'get_weather',
  description: 'The current weather in a city',
  parameters: {
    type: 'object',
    properties: { city: { type: 'string' } },
    required: ['city'],
    additionalProperties: false,
  },
};

function callsOf({ output }: OpenAI.Responses.Response): OpenAI.Responses.ResponseFunctionToolCall[] {
  return output.flatMap((item) => (item.type === 'function_call' ? [item] : []));
}

/** What an agent does with a call: it looks up the weather. */
const lookUp = ({ city }: { city: string }) => JSON.stringify({ city, celsius: 21 });

/** Agents as applications have them, with the unchanged SDK through a proxy: question, call of a tool, output, answer. */
describe('an agent', () => {
  const scope = suiteScope();
  let stack: Stack;
  let client: OpenAI;
  let database: Client;

  before(async () => {
    stack = await startStack(scope);
    const defaultHeaders = { 'X-User-ID': 'bob@example.com' };
    client = new OpenAI({ baseURL: stack.baseUrl, apiKey: stack.token, defaultHeaders, maxRetries: 0 });
    database = await connect(scope, stack.database.url);
  });

  /** Each of an agent's calls has a record with the usage that its answer told, and that the provider billed. */
  const assertRecorded = async (
    calls: readonly { id: string; input: number | undefined; output: number | undefined }[],
  ) => {
    const told = calls.map(({ id, input, output }) => [id, input, output]);
    const recorded = calls.map(({ id }) => recordOf(database, id));
    const rows = await Promise.all(recorded);
    assert.deepEqual(
      rows.map((row) => [row.response_id, Number(row.input_tokens), Number(row.output_tokens)]),
      told,
    );
    assert.ok(rows.every((row) => row.status === 'completed' && Number(row.cost_usd) > 0));
    for (const [id, input, output] of told) {
      const billed = (await (await fetch(new URL(`/sandbox/calls/${id}`, stack.upstreamUrl))).json()) as Record<
        string,
        unknown
      >;
      assert.deepEqual([billed.input_tokens, billed.output_tokens], [input, output]);
    }
  };

  for (const stream of [false, true]) {
    it(`of chat completions answers from a tool's output${stream ? ', streamed' : ''}`, async () => {
      const tool = {
        type: 'function' as const,
        function: { ...definition, parse: JSON.parse, function: lookUp },
      };
      const body = { model: 'gpt-4o', messages: [{ role: 'user' as const, content: question }], tools: [tool] };
      const runner = stream
        ? client.chat.completions.runTools({ ...body, stream: true, stream_options: { include_usage: true } })
        : client.chat.completions.runTools(body);
      assert.match((await runner.finalContent()) ?? '', answered);
      const completions = runner.allChatCompletions();
      assert.deepEqual(
        completions.map(({ choices }) => choices[0]?.finish_reason),
        ['tool_calls', 'stop'],
      );
      await assertRecorded(
        completions.map(({ id, usage }) => ({ id, input: usage?.prompt_tokens, output: usage?.completion_tokens })),
      );
    });

    for (const chained of [false, true]) {
      const way = `${chained ? ', after the response before' : ''}${stream ? ', streamed' : ''}`;
      it(`of responses answers from a tool's output${way}`, async () => {
        const tools = [{ type: 'function' as const, ...definition, strict: true }];
        const responses: OpenAI.Responses.Response[] = [];
        const input: OpenAI.Responses.ResponseInput = [{ role: 'user', content: question }];
        for (let next = input; next.length > 0; ) {
          const previous = responses.at(-1)?.id;
          const body = {
            model: 'gpt-4o',
            tools,
            input: chained ? next : input,
            ...(chained && previous !== undefined && { previous_response_id: previous }),
          };
          const response = stream
            ? await client.responses.stream(body).finalResponse()
            : await client.responses.create(body);
          responses.push(response);
          const outputs = callsOf(response).map(({ call_id, arguments: text }) => {
            return { type: 'function_call_output' as const, call_id, output: lookUp(JSON.parse(text)) };
          });
          input.push(...(response.output as OpenAI.Responses.ResponseInput), ...outputs);
          next = outputs;
        }
        assert.equal(responses.length, 2);
        assert.match(responses.at(-1)?.output_text ?? '', answered);
        await assertRecorded(
          responses.map(({ id, usage }) => ({ id, input: usage?.input_tokens, output: usage?.output_tokens })),
        );
      });
    }
  }

  it('that forces a tool must reset the choice, or the tool is called again', async () => {
    const tools = [{ type: 'function' as const, ...definition, strict: true }];
    const forced = { model: 'gpt-4o', tools, tool_choice: 'required' as const };
    const first = await client.responses.create({ ...forced, input: 'Hello' });
    const outputsOf = (response: OpenAI.Responses.Response) =>
      callsOf(response).map(({ call_id }) => ({ type: 'function_call_output' as const, call_id, output: 'sunny' }));
    const again = await client.responses.create({ ...forced, previous_response_id: first.id, input: outputsOf(first) });
    assert.deepEqual(
      again.output.map((item) => item.type),
      ['function_call'],
    );
    const last = await client.responses.create({
      ...forced,
      tool_choice: 'auto',
      previous_response_id: again.id,
      input: outputsOf(again),
    });
    assert.match(last.output_text, /You said: Hello get_weather answered: sunny get_weather answered: sunny$/);
  });

  it("gets OpenAI's own refusals", async () => {
    const body = { model: 'gpt-4o', input: question, tool_choice: 'required' as const };
    await assert.rejects(client.responses.create(body), (error) => {
      assert.ok(error instanceof OpenAI.BadRequestError);
      assert.deepEqual([error.param, error.code], ['tool_choice', null]);
      return true;
    });
  });
});
