// The OpenAI Agents SDK: an agent with a tool, streamed, structured, chained, tried again, cut.
import { Agent, Runner, tool } from '@openai/agents';
import { z } from 'zod';
import { attempt, cut, lookUp, question, unavailable } from './report.mjs';

const weather = tool({
  name: 'get_weather',
  description: 'The current weather in a city',
  parameters: z.object({ city: z.string() }),
  execute: lookUp,
});
const runner = new Runner();
const agentWith = (options) =>
  new Agent({ name: 'Forecaster', instructions: 'Be brief.', model: 'gpt-4o', ...options });
const meteorologist = agentWith({ tools: [weather] });

await attempt('tool', async () => {
  const { finalOutput, rawResponses } = await runner.run(meteorologist, question);
  return [finalOutput, rawResponses.length];
});
await attempt('tool, streamed', async () => {
  const run = await runner.run(meteorologist, question, { stream: true });
  const types = [];
  for await (const event of run) types.push(event.type === 'raw_model_stream_event' ? event.data.type : event.name);
  await run.completed;
  return [run.finalOutput, types];
});
await attempt('structured', async () => {
  const agent = agentWith({ outputType: z.object({ city: z.string(), celsius: z.number() }) });
  return (await runner.run(agent, 'The weather in Paris')).finalOutput;
});
await attempt('chained', async () => {
  const first = await runner.run(agentWith(), 'My name is Bob.');
  return (await runner.run(agentWith(), 'And my name?', { previousResponseId: first.lastResponseId })).finalOutput;
});
const faulty = (metadata) => agentWith({ modelSettings: { providerData: { metadata } } });
await attempt('unavailable', () => runner.run(faulty(unavailable), 'Hello'));
await attempt('cut', async () => {
  const run = await runner.run(faulty(cut), 'Hello', { stream: true });
  for await (const _ of run);
  await run.completed;
});
