// The AI SDK: a tool, streamed, structured, chained, chat completions, embeddings, tried again, cut.
import { createOpenAI } from '@ai-sdk/openai';
import { embed, generateText, isStepCount, Output, streamText, tool } from 'ai';
import { z } from 'zod';
import { attempt, cut, lookUp, question, unavailable } from './report.mjs';

const openai = createOpenAI();
const model = openai('gpt-4o');
const tools = {
  get_weather: tool({
    description: 'The current weather in a city',
    inputSchema: z.object({ city: z.string() }),
    execute: lookUp,
  }),
};
const agent = { model, tools, prompt: question, stopWhen: isStepCount(3) };

await attempt('tool', async () => {
  const { text, steps, totalUsage } = await generateText(agent);
  return [text, steps.map(({ finishReason }) => finishReason), totalUsage.totalTokens];
});
await attempt('tool, streamed', async () => {
  const run = streamText(agent);
  const parts = [];
  for await (const { type } of run.fullStream) parts.push(type);
  return [await run.text, parts];
});
await attempt('structured', async () => {
  const output = Output.object({ schema: z.object({ city: z.string(), celsius: z.number() }) });
  return (await generateText({ model, prompt: 'The weather in Paris', output })).output;
});
await attempt('chained', async () => {
  const { providerMetadata } = await generateText({ model, prompt: 'My name is Bob.' });
  const providerOptions = { openai: { previousResponseId: providerMetadata.openai.responseId } };
  return (await generateText({ model, prompt: 'And my name?', providerOptions })).text;
});
await attempt('chat completions', async () => {
  const { text, steps } = await generateText({ ...agent, model: openai.chat('gpt-4o') });
  return [text, steps.length];
});
await attempt('embedding', async () => {
  const { embedding } = await embed({ model: openai.embedding('text-embedding-3-small'), value: 'one' });
  return embedding.length;
});
const faulty = (metadata) => ({ model, prompt: 'Hello', maxRetries: 1, providerOptions: { openai: { metadata } } });
await attempt('unavailable', () => generateText(faulty(unavailable)));
await attempt('cut', async () => {
  const reported = [];
  const run = streamText({ ...faulty(cut), onError: ({ error }) => reported.push(error.name) });
  try {
    for await (const _ of run.fullStream);
  } catch (error) {
    throw Object.assign(error, { message: `${error.message}, and reported: ${reported}` });
  }
});
