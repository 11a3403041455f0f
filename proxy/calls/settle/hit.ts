import type { RequestRecord } from '../../../database/requests.ts';
import { formatDollars, parseDollars } from '../../prices/price-card.ts';

/**
 * Settles the record of a call that the cache answered. The answer states what it used when a provider gave it, and the
 * record of that call has it. So this one has no usage and costs nothing, and says what was avoided.
 *
 * The response belongs to the call that made it, too: nobody gets a right to it by a replay.
 */
export function settleHit(record: RequestRecord): void {
  if (record.cost_usd !== null && record.status === 'completed') {
    record.avoided_cost_usd = record.cost_usd;
    record.cache_savings_usd = halfOf(record.cost_usd);
  }
  record.cost_usd = '0';
  record.response_id = null;
  delete record.kept_ids;
  record.input_tokens = 0;
  record.cached_input_tokens = 0;
  record.cache_write_tokens = 0;
  record.output_tokens = 0;
  record.reasoning_tokens = 0;
  record.total_tokens = 0;
  for (const unit of otherUnits) delete record[unit];
}

const otherUnits = [
  ...(['input_audio_tokens', 'input_image_tokens', 'output_audio_tokens', 'output_image_tokens'] as const),
  ...(['cached_audio_tokens', 'cached_image_tokens'] as const),
  ...(['images', 'image_size', 'image_quality', 'audio_seconds', 'characters'] as const),
];

/** Half of a cost, rounded down to 10^-12 dollars. */
function halfOf(costUsd: string): string {
  return formatDollars(parseDollars(costUsd) / 2n);
}
