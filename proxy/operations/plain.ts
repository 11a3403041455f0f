import { ProxyError } from '../error.ts';
import type { Operation } from './operation.ts';

/** Defaults for operations without instructions, which a persona could replace. */
export const plain = {
  required: [],
  applyPersona() {
    throw new ProxyError('persona_not_supported', { param: 'persona_id' });
  },
} satisfies Partial<Operation>;
