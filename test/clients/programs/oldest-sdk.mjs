// OpenAI's SDK of 2023, over axios: the last of its first generation, which asks at paths that are still served.
import { Configuration, OpenAIApi } from 'oldest-openai';
import { attempt, cut, lookUp, question, unavailable } from './report.mjs';

const { OPENAI_BASE_URL: basePath, OPENAI_API_KEY: apiKey } = process.env;
const openai = new OpenAIApi(new Configuration({ basePath, apiKey }));
const model = 'gpt-4o';
const messages = [{ role: 'user', content: question }];
const functions = [
  {
    name: 'get_weather',
    description: 'The current weather in a city',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
];
const read = async (stream) => {
  let text = '';
  for await (const piece of stream) text += piece;
  return text;
};

await attempt('function', async () => {
  const asked = (await openai.createChatCompletion({ model, messages, functions })).data.choices[0].message;
  const output = { role: 'function', name: asked.function_call.name };
  output.content = lookUp(JSON.parse(asked.function_call.arguments));
  const { data } = await openai.createChatCompletion({ model, messages: [...messages, asked, output], functions });
  return [data.choices[0].message.content, data.usage];
});
await attempt('streamed', async () => {
  const { data } = await openai.createChatCompletion({ model, messages, stream: true }, { responseType: 'stream' });
  const events = (await read(data)).split('\n\n').filter((event) => event.startsWith('data: {'));
  return events.map((event) => JSON.parse(event.slice(6)).choices[0]?.delta.content ?? '').join('');
});
await attempt('completion', async () => {
  const { data } = await openai.createCompletion({ model: 'gpt-3.5-turbo-instruct', prompt: 'Once' });
  return [data.choices[0].text, data.usage];
});
await attempt('embedding', async () => {
  const { data } = await openai.createEmbedding({ model: 'text-embedding-3-small', input: 'one' });
  return [data.data[0].embedding.length, data.usage];
});
await attempt('unavailable', () => openai.createChatCompletion({ model, messages, metadata: unavailable }));
await attempt('cut', async () => {
  const options = { responseType: 'stream' };
  const { data } = await openai.createChatCompletion({ model, messages, stream: true, metadata: cut }, options);
  return read(data);
});
