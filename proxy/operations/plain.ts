import { ProxyError } from '../error.ts';
import type { Operation } from './operation.ts';

/** For operations that have neither instructions for a persona to take the place of, nor streams. */
export const plain = {
  required: [],
  applyPersona() {
    throw new ProxyError('persona_not_supported', { param: 'persona_id' });
  },
  needsUsageOption: () => false,
  readStream() {
    throw new ProxyError('upstream_invalid_response');
  },
} satisfies Partial<Operation>;
