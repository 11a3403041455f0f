import type { ServerResponse } from 'node:http';
import { type Answer, type ProviderRequest, sendJson, sendStream } from '../../scripted-provider.ts';

const answers: readonly (readonly [end: string, answer: (body: ProviderRequest['body']) => object])[] = [
  ['/chat/completions', ({ model, response_format }) => chatAnswer(model, response_format ? verdict : 'Hi')],
  ['/responses', ({ model }) => responseAnswer(model)],
  ['/responses/input_tokens', () => ({ object: 'response.input_tokens', input_tokens: 7 })],
  ['/responses/compact', () => ({ id: 'resp_2', object: 'response.compaction', output: [] })],
  ['/completions', ({ model }) => ({ id: 'cmpl-1', object: 'text_completion', model, choices: [] })],
  ['/embeddings', ({ model }) => ({ object: 'list', model, data: [] })],
  ['/moderations', ({ model }) => ({ id: 'modr-1', model, results: [] })],
  ['/images/generations', () => ({ created: 1, data: [] })],
  ['/audio/transcriptions', () => ({ text: 'Hi' })],
  ['/messages', ({ model }) => messageAnswer(model)],
  ['/messages/count_tokens', () => ({ input_tokens: 7 })],
];

/** What an analysis by the category `billing` wants to hear. */
const verdict = JSON.stringify({
  categories: [{ name: 'billing', confidence: 0.9 }],
  metadata: { sentiment: 'calm', urgency: 'low', topics: [] },
});

function chatAnswer(model: unknown, content: string): object {
  const message = { role: 'assistant', content };
  const choices = [{ index: 0, message, finish_reason: 'stop' }];
  return { id: 'chatcmpl-1', object: 'chat.completion', model, choices, usage: usageOfChat };
}

const usageOfChat = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };

function responseAnswer(model: unknown): object {
  return { id: 'resp_1', object: 'response', status: 'completed', model, output: [] };
}

function messageAnswer(model: unknown): object {
  const usage = { input_tokens: 3, output_tokens: 2 };
  return { id: 'msg_1', type: 'message', role: 'assistant', model, content: [], stop_reason: 'end_turn', usage };
}

async function sendChat(response: ServerResponse, model: unknown): Promise<void> {
  const event = (fields: object) =>
    `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', model, ...fields })}\n\n`;
  const choice = (delta: object, finish: string | null) => ({ choices: [{ index: 0, delta, finish_reason: finish }] });
  const events = [choice({ content: 'Hi' }, null), choice({}, 'stop'), { choices: [], usage: usageOfChat }];
  await sendStream(response, [...events.map(event), 'data: [DONE]\n\n']);
}

/** Answers each API in its form, with the model that was asked for, and lists the given models. */
export function answerAll(models: readonly object[]): Answer {
  return (response, { path, body, text }) => {
    const { pathname } = new URL(path, 'http://provider');
    if (pathname.endsWith('/models')) return sendJson(response, { object: 'list', data: models });
    if (pathname.endsWith('/content')) return response.writeHead(200).end(text);
    if (body.stream === true) return sendChat(response, body.model);
    const found = answers.find(([end]) => pathname.endsWith(end));
    return found ? sendJson(response, found[1](body)) : response.writeHead(404).end();
  };
}
