import { figureBounds } from '../../../database/figures.ts';
import type { RequestRecord } from '../../../database/requests.ts';

type Figure = keyof typeof figureBounds;

const names = Object.keys(figureBounds) as readonly Figure[];

/** Figures that few calls have. A record has only those of its call. */
const optional = [
  'input_audio_tokens',
  'input_image_tokens',
  'cached_audio_tokens',
  'cached_image_tokens',
  'output_audio_tokens',
  'output_image_tokens',
  'images',
  'audio_seconds',
  'characters',
  'avoided_cost_usd',
  'cache_savings_usd',
] as const satisfies readonly Figure[];

/**
 * Removes implausible figures from a record, such as 2^53-1 tokens. PostgreSQL would refuse the record, and the call
 * would be in no sum. The remaining figures are not a complete bill, so the call becomes unpriced.
 *
 * @returns the names of the removed figures
 */
export function removeImplausible(record: RequestRecord): Figure[] {
  // A loop: it runs at the end of every call, and hardly ever finds any.
  const found: Figure[] = [];
  for (const name of names) {
    if (!isPlausible(name, record[name])) found.push(name);
  }
  for (const name of found) {
    if (isOptional(name)) delete record[name];
    else record[name] = null;
  }
  // Durations do not affect the price.
  if (found.some((name) => !name.endsWith('_ms'))) record.cost_usd = null;
  return found;
}

function isOptional(name: Figure): name is (typeof optional)[number] {
  return (optional as readonly Figure[]).includes(name);
}

function isPlausible(name: Figure, value: RequestRecord[Figure]): boolean {
  if (value === null || value === undefined) return true;
  const number = Number(value);
  // A decimal text may be slightly larger than the nearest number.
  return number >= 0 && (typeof value === 'string' ? number < figureBounds[name] : number <= figureBounds[name]);
}
