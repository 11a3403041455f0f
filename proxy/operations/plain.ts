import { ProxyError } from '../error.ts';
import type { Operation } from './operation.ts';

/** For operations that have no instructions for a persona to take the place of. */
export const plain = {
  required: [],
  applyPersona() {
    throw new ProxyError('persona_not_supported', { param: 'persona_id' });
  },
} satisfies Partial<Operation>;
