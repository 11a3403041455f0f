import type { ProviderAdapter } from './adapter.ts';
import { openai } from './openai.ts';

/** Servers that speak as OpenAI does, each in a dialect: OpenAI's formats read all of them. */
export const compatible: ProviderAdapter = openai;
