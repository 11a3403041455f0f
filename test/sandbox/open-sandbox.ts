import type { TestContext } from 'node:test';
import OpenAI from 'openai';
import { startSandbox } from '../../sandbox/server.ts';
import { atEnd } from '../scope.ts';

export interface CallRecord {
  id: string;
  request_id: string;
  endpoint: string;
  model: string | null;
  key: string | null;
  status: string;
  stream: boolean;
  input_tokens: number;
  cached_tokens: number;
  output_tokens: number;
  reasoning_tokens: number;
  total_tokens: number;
  images: number | null;
  audio_seconds: number | null;
  characters: number | null;
}

/** A sandbox of the test's own, with the ways to reach it: the SDK, raw HTTP, its accounts. */
export async function openSandbox(t: TestContext) {
  const sandbox = await startSandbox();
  atEnd(t, () => sandbox.close());
  const callsUrl = sandbox.url.replace(/\/v1$/, '/sandbox/calls');
  return {
    url: sandbox.url,
    openai: new OpenAI({ apiKey: 'sk-test-key-9876', baseURL: sandbox.url, maxRetries: 0 }),
    post: (path: string, body: unknown, init: { headers?: Record<string, string>; signal?: AbortSignal } = {}) =>
      fetch(sandbox.url + path, {
        method: 'POST',
        headers: { authorization: 'Bearer sk-test-key-9876', 'content-type': 'application/json', ...init.headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
        signal: init.signal ?? null,
      }),
    callsUrl,
    calls: async (): Promise<CallRecord[]> => JSON.parse(await (await fetch(callsUrl)).text()).calls,
  };
}

export interface ErrorFields {
  message: string;
  type: string;
  param: string | null;
  code: string | null;
}

/** The error in an answer's envelope. */
export async function errorIn(answer: Response): Promise<ErrorFields> {
  return JSON.parse(await answer.text()).error;
}
