import type { ProviderAdapter } from './adapter.ts';
import { openai } from './openai.ts';

/** Servers that speak dialects of OpenAI's API. OpenAI's formats read all of them. */
export const compatible: ProviderAdapter = openai;
