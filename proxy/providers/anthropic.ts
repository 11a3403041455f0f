import type { ProviderAdapter } from './adapter.ts';
import { chat } from './anthropic/chat.ts';
import { messages } from './anthropic/messages.ts';

/** Anthropic, by its Messages API. */
export const anthropic: ProviderAdapter = {
  authorize: (secret) => ({ 'x-api-key': secret }),
  // Later versions take no `temperature`, which chat completions may have.
  headers: { 'anthropic-version': '2023-06-01' },
  priceList: 'anthropic',
  formats: { messages, chat },
};
