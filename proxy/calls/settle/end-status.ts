import type { Reading } from '../../providers/reading.ts';
import type { Outcome } from '../call.ts';

/** The status of an ended call, according to the provider. */
export function endStatusOf(reading: Reading): Outcome['status'] {
  if (reading.state === 'cancelled') return 'cancelled';
  return reading.failed ? 'failed' : 'completed';
}
