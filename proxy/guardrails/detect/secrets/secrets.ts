import { DetectorConfigError } from '../config-error.ts';
import type { Detector } from '../detector.ts';
import { makeDetectorOf } from '../finder.ts';
import { makeRecognizerFinder, type Recognizer } from '../recognizer.ts';
import { assignedSecret, entraSecret, jwt, privateKey, urlWithPassword } from './composed.ts';
import { formats } from './formats.ts';
import { toRecognizer } from './prefixed.ts';

export interface SecretsConfig {
  readonly detector: 'secrets';
  /** Who issues the keys, or what they are, as in `secretKinds`. All, if absent. */
  readonly kinds?: readonly string[];
}

const recognizers: readonly Recognizer[] = [
  ...formats.map(toRecognizer),
  jwt,
  privateKey,
  urlWithPassword,
  entraSecret,
  assignedSecret,
];

/** All kinds of secrets that there are. */
export const secretKinds: readonly string[] = [...new Set(recognizers.map(({ kind }) => kind))];

/** @throws {DetectorConfigError} */
export function makeSecretsDetector({ kinds = secretKinds }: SecretsConfig): Detector {
  const unknown = kinds.findIndex((kind) => !secretKinds.includes(kind));
  if (unknown >= 0) throw new DetectorConfigError(`kinds[${unknown}]`, `must be one of ${secretKinds.join(', ')}`);
  if (kinds.length === 0) throw new DetectorConfigError('kinds', 'must name at least one kind');
  const wanted = recognizers.filter(({ kind }) => kinds.includes(kind));
  return makeDetectorOf('secrets', makeRecognizerFinder(wanted));
}
