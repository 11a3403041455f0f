import { asObject } from '../json.ts';
import type { WireFormat } from '../wire-format.ts';
import { readPlain } from './plain-answer.ts';
import { plainFormat } from './plain-format.ts';
import { readTokenUsage } from './token-usage.ts';

/** `POST /v1/embeddings`. It has no id of its own and no output tokens. */
export const embeddings: WireFormat = {
  ...plainFormat,
  path: '/embeddings',
  read(answer) {
    const usage = asObject(asObject(answer)?.usage);
    return { ...readPlain(answer), usage: { ...readTokenUsage(usage), outputTokens: usage ? 0 : null } };
  },
};
