import { combine } from '../combine.ts';
import { DetectorConfigError } from '../config-error.ts';
import type { Detector } from '../detector.ts';
import { makeDetectorOf } from '../finder.ts';
import { makeRecognizerFinder, type Recognizer } from '../recognizer.ts';

/** What personal data the detector `pii` knows. */
export const piiKinds = [
  'email',
  'phone',
  'card',
  'iban',
  'nationalId',
  'ip',
  'dateOfBirth',
  'address',
  'name',
] as const;
export type PiiKind = (typeof piiKinds)[number];

export interface PiiConfig {
  readonly detector: 'pii';
  /** All but `name`, if absent. */
  readonly kinds?: readonly PiiKind[];
  /** The regions (ISO 3166-1) whose telephone numbers are recognized in their national form. */
  readonly phoneRegions?: readonly string[];
}

type Load = (config: PiiConfig) => Promise<readonly Recognizer[]>;

/**
 * In the order in which they are asked about a position. What has the strictest check is asked first: a telephone number
 * may be anything.
 */
const loaders: readonly (readonly [PiiKind, Load])[] = [
  ['email', async () => [(await import('./email.ts')).email]],
  ['iban', async () => [(await import('./iban.ts')).iban]],
  ['card', async () => [(await import('./card.ts')).card]],
  ['ip', async () => import('./ip.ts').then(({ ipv4, ipv6 }) => [ipv4, ipv6])],
  ['dateOfBirth', async () => [(await import('./date-of-birth.ts')).dateOfBirth]],
  ['nationalId', async () => (await import('./national-ids/national-ids.ts')).nationalIds],
  ['address', async () => (await import('./address.ts')).addresses],
  ['name', async () => [(await import('./introduced-names.ts')).introducedName]],
  ['phone', async ({ phoneRegions }) => [(await import('./phone.ts')).makePhoneRecognizer(phoneRegions)]],
];

/** @throws {DetectorConfigError} */
export async function makePiiDetector(config: PiiConfig): Promise<Detector> {
  const kinds: readonly PiiKind[] = config.kinds ?? piiKinds.filter((kind) => kind !== 'name');
  if (kinds.length === 0) throw new DetectorConfigError('kinds', 'must name at least one kind');
  const wanted = loaders.filter(([kind]) => kinds.includes(kind));
  const recognizers = await Promise.all(wanted.map(([, load]) => load(config)));
  const detectors: Detector[] = [makeDetectorOf('pii', makeRecognizerFinder(recognizers.flat()))];
  if (kinds.includes('name')) detectors.push((await import('./names.ts')).makeNameDetector());
  return combine('pii', detectors);
}
