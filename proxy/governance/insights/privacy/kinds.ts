import { combine } from '../../../guardrails/detect/combine.ts';
import type { Detector } from '../../../guardrails/detect/detector.ts';
import { makeDetectorOf } from '../../../guardrails/detect/finder.ts';
import { makeDetector } from '../../../guardrails/detect/make-detector.ts';
import { type PiiKind, piiKinds } from '../../../guardrails/detect/pii/pii.ts';
import { makeRecognizerFinder } from '../../../guardrails/detect/recognizer.ts';
import { accountNumber } from './account-number.ts';
import { writtenName } from './written-name.ts';

/** What can be found, as this API names it, with the name of guardrails, by which placeholders are made. */
const guardrailKinds = {
  name: 'name',
  email: 'email',
  phone_number: 'phone',
  address: 'address',
  date_of_birth: 'dateOfBirth',
  account_number: 'accountNumber',
  card_number: 'card',
  iban: 'iban',
  national_id: 'nationalId',
  ip_address: 'ip',
} as const satisfies Readonly<Record<string, PiiKind | 'accountNumber'>>;

export type PersonalKind = keyof typeof guardrailKinds | 'secret';

export const personalKinds: readonly PersonalKind[] = [
  'name',
  'email',
  'phone_number',
  'address',
  'date_of_birth',
  'account_number',
  'card_number',
  'iban',
  'national_id',
  'ip_address',
  'secret',
];

/** The name that this API has for a kind of a detector. The kinds of secrets have one in common. */
export function personalKindOf(kind: string): PersonalKind {
  return personalKinds.find((one) => one !== 'secret' && guardrailKinds[one] === kind) ?? 'secret';
}

/**
 * Makes the detector of these kinds, by those of guardrails.
 *
 * @throws {DetectorConfigError} where a region is none
 */
export async function makePersonalDetector(
  kinds: readonly PersonalKind[],
  phoneRegions: readonly string[] | undefined,
): Promise<Detector> {
  const wanted = new Set(kinds.flatMap((kind) => (kind === 'secret' ? [] : [guardrailKinds[kind]])));
  const pii = piiKinds.filter((kind) => wanted.has(kind));
  const detectors: Detector[] = [];
  // First: the number of an account may look like a telephone number.
  if (wanted.has('accountNumber')) detectors.push(makeDetectorOf('accounts', makeRecognizerFinder([accountNumber])));
  if (kinds.includes('secret')) detectors.push(await makeDetector({ detector: 'secrets' }));
  if (pii.length > 0) {
    detectors.push(await makeDetector({ detector: 'pii', kinds: pii, ...(phoneRegions && { phoneRegions }) }));
  }
  // Last: what has a form of its own is no name.
  if (wanted.has('name')) detectors.push(makeDetectorOf('names', makeRecognizerFinder([writtenName])));
  return combine('personal', detectors);
}
