import type { ProviderAdapter } from './adapter.ts';
import { messagesByChat } from './openai/messages.ts';
import { openai } from './openai.ts';

/**
 * Servers that speak dialects of OpenAI's API. OpenAI's formats read all of them. What such a server charges is unknown,
 * so a model of OpenAI has OpenAI's price; any other model needs a price in the Organization.
 */
export const compatible: ProviderAdapter = {
  ...openai,
  formats: { ...openai.formats, messages: messagesByChat('max_tokens') },
};
