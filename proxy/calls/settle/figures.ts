import { figureBounds } from '../../../database/figures.ts';
import type { RequestRecord } from '../../../database/requests.ts';

type Figure = keyof typeof figureBounds;

const names = Object.keys(figureBounds) as readonly Figure[];

/** Figures of few calls: a record has only those that are its own. */
const optional = [
  'input_audio_tokens',
  'input_image_tokens',
  'output_audio_tokens',
  'output_image_tokens',
  'images',
  'audio_seconds',
  'characters',
] as const satisfies readonly Figure[];

/**
 * Takes out of a record the figures that no call can have, such as 2^53-1 tokens: PostgreSQL would refuse the record, and the
 * call would be in no sum at all. What is left of the provider's figures is no bill, so the call is unpriced.
 *
 * @returns the names of what was taken out
 */
export function removeImplausible(record: RequestRecord): Figure[] {
  const found = names.filter((name) => !isPlausible(name, record[name]));
  for (const name of found) {
    if (isOptional(name)) delete record[name];
    else record[name] = null;
  }
  // How long it took has no part in the price.
  if (found.some((name) => !name.endsWith('_ms'))) record.cost_usd = null;
  return found;
}

function isOptional(name: Figure): name is (typeof optional)[number] {
  return (optional as readonly Figure[]).includes(name);
}

function isPlausible(name: Figure, value: RequestRecord[Figure]): boolean {
  if (value === null || value === undefined) return true;
  const number = Number(value);
  // A decimal text may be a little more than the nearest number.
  return number >= 0 && (typeof value === 'string' ? number < figureBounds[name] : number <= figureBounds[name]);
}
