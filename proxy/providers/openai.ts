import type { ProviderAdapter } from './adapter.ts';
import { batches } from './openai/batches.ts';
import { chat } from './openai/chat.ts';
import { compact } from './openai/compact.ts';
import { completions } from './openai/completions.ts';
import { embeddings } from './openai/embeddings.ts';
import { imageEdits, imageGenerations, imageVariations } from './openai/images.ts';
import { messagesByChat } from './openai/messages.ts';
import { moderations } from './openai/moderations.ts';
import { realtime } from './openai/realtime.ts';
import { responses } from './openai/responses.ts';
import { speech } from './openai/speech.ts';
import { transcriptions, translations } from './openai/transcriptions.ts';

/** OpenAI itself. */
export const openai: ProviderAdapter = {
  authorize: (secret) => ({ authorization: `Bearer ${secret}` }),
  priceList: 'openai',
  formats: {
    responses,
    compact,
    batches,
    chat,
    messages: messagesByChat('max_completion_tokens'),
    completions,
    embeddings,
    moderations,
    image_generations: imageGenerations,
    image_edits: imageEdits,
    image_variations: imageVariations,
    speech,
    transcriptions,
    translations,
    realtime,
  },
};
