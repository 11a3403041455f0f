import type { Detector } from '../detector.ts';
import { makeDetectorOf } from '../finder.ts';
import { makeRecognizerFinder, type Recognizer } from '../recognizer.ts';
import { email } from './email.ts';

/** What personal data the detector `pii` knows. */
export type PiiKind = 'email';

export interface PiiConfig {
  readonly detector: 'pii';
  /** All but `name`, if absent. */
  readonly kinds?: readonly PiiKind[];
}

const recognizers: Readonly<Record<PiiKind, () => Promise<readonly Recognizer[]>>> = {
  email: async () => [email],
};

const defaultKinds: readonly PiiKind[] = ['email'];

export async function makePiiDetector({ kinds = defaultKinds }: PiiConfig): Promise<Detector> {
  const loaded = await Promise.all(kinds.map((kind) => recognizers[kind]()));
  return makeDetectorOf('pii', makeRecognizerFinder(loaded.flat()));
}
