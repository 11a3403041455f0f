import { asObject } from './json.ts';
import type { Operation } from './operation.ts';
import { plain, readPlain } from './plain.ts';
import { readTokenUsage } from './token-usage.ts';

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
