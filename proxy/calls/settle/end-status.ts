import type { Reading } from '../../providers/reading.ts';
import type { Outcome } from '../call.ts';

/** What the provider says became of something that it has ended. */
export function endStatusOf(reading: Reading): Outcome['status'] {
  if (reading.state === 'cancelled') return 'cancelled';
  return reading.failed ? 'failed' : 'completed';
}
