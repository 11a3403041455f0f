import { ProxyError } from '../../error.ts';
import { unknownUsage } from '../call.ts';
import { asCount, asObject, asString, errorCodeOf } from './json.ts';
import type { Operation } from './operation.ts';

/** `POST /v1/embeddings`. It has no instructions, no stream, no id of its own and no output tokens. */
export const embeddings: Operation = {
  name: 'embeddings',
  surface: 'embeddings',
  path: '/embeddings',
  required: ['input'],
  instruct() {
    throw new ProxyError('persona_not_supported', { param: 'persona_id' });
  },
  lacksUsage: () => false,
  read(answer) {
    const list = asObject(answer);
    const usage = asObject(list?.usage);
    const failed = list?.error !== undefined && list.error !== null;
    return {
      failed,
      errorCode: failed ? errorCodeOf(list.error) : null,
      responseId: null,
      model: asString(list?.model),
      serviceTier: null,
      usage: {
        ...unknownUsage,
        inputTokens: asCount(usage?.prompt_tokens),
        outputTokens: usage ? 0 : null,
        totalTokens: asCount(usage?.total_tokens),
      },
    };
  },
  readStream() {
    throw new ProxyError('upstream_invalid_response', { message: 'Error processing request' });
  },
};
