import OpenAI from 'openai';
import type { Stack } from './stack.ts';

/** OpenAI's SDK, unchanged, as the user `bob`. It does not retry, so that a test sees each answer. */
export function makeOpenAI({ baseUrl: baseURL, token: apiKey }: Pick<Stack, 'baseUrl' | 'token'>): OpenAI {
  return new OpenAI({ baseURL, apiKey, defaultHeaders: { 'X-User-ID': 'bob' }, maxRetries: 0 });
}
