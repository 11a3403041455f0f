import { asObject } from '../providers/json.ts';
import { readPlain } from '../providers/openai/plain-answer.ts';
import { readTokenUsage } from '../providers/openai/token-usage.ts';
import type { Operation } from './operation.ts';
import { plain } from './plain.ts';

/** `POST /v1/embeddings`. It has no id of its own and no output tokens. */
export const embeddings: Operation = {
  ...plain,
  name: 'embeddings',
  surface: 'embeddings',
  path: '/embeddings',
  required: ['input'],
  read(answer) {
    const usage = asObject(asObject(answer)?.usage);
    return { ...readPlain(answer), usage: { ...readTokenUsage(usage), outputTokens: usage ? 0 : null } };
  },
};
