// LangChain: a tool, streamed, structured, chained, chat completions and responses, embeddings, tried again, cut.
import { HumanMessage, ToolMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai';
import { z } from 'zod';
import { attempt, cut, lookUp, question, unavailable } from './report.mjs';

const weather = tool(lookUp, {
  name: 'get_weather',
  description: 'The current weather in a city',
  schema: z.object({ city: z.string() }),
});

for (const useResponsesApi of [false, true]) {
  const way = useResponsesApi ? 'responses' : 'chat completions';
  const modelWith = (options) => new ChatOpenAI({ model: 'gpt-4o', maxRetries: 1, useResponsesApi, ...options });
  const model = modelWith();
  await attempt(`tool, ${way}`, async () => {
    const withTool = model.bindTools([weather]);
    const messages = [new HumanMessage(question)];
    const asked = await withTool.invoke(messages);
    const outputs = await Promise.all(asked.tool_calls.map((call) => weather.invoke(call)));
    const answered = await withTool.invoke([...messages, asked, ...outputs]);
    return [
      answered.text,
      outputs.every((output) => output instanceof ToolMessage),
      answered.usage_metadata.total_tokens,
    ];
  });
  await attempt(`streamed, ${way}`, async () => {
    let text = '';
    let tokens = 0;
    for await (const chunk of await model.stream('Stream this')) {
      text += chunk.text;
      tokens = chunk.usage_metadata?.total_tokens ?? tokens;
    }
    return [text, tokens];
  });
  await attempt(`structured, ${way}`, () =>
    model.withStructuredOutput(z.object({ city: z.string(), celsius: z.number() })).invoke('The weather in Paris'),
  );
  const faulty = (metadata) => modelWith({ modelKwargs: { metadata } });
  await attempt(`unavailable, ${way}`, () => faulty(unavailable).invoke('Hello'));
  await attempt(`cut, ${way}`, async () => {
    for await (const _ of await faulty(cut).stream('Hello'));
  });
}
await attempt('chained', async () => {
  const model = new ChatOpenAI({ model: 'gpt-4o', useResponsesApi: true });
  const { id } = await model.invoke('My name is Bob.');
  return (await model.invoke('And my name?', { previous_response_id: id })).text;
});
await attempt('embeddings', async () => {
  const vectors = await new OpenAIEmbeddings({ model: 'text-embedding-3-small' }).embedDocuments(['one', 'two']);
  return vectors.map(({ length }) => length);
});
