import { ProxyError } from '../../error.ts';
import type { WireFormat } from '../wire-format.ts';

/** For operations that have no streams. */
export const plainFormat = {
  needsUsageOption: () => false,
  readStream() {
    throw new ProxyError('upstream_invalid_response');
  },
} satisfies Partial<WireFormat>;
