import type { Detector } from './detector.ts';
import type { InjectionConfig } from './injection/injection.ts';
import type { PatternsConfig } from './patterns/patterns.ts';
import type { PiiConfig } from './pii/pii.ts';
import type { SecretsConfig } from './secrets/secrets.ts';
import type { SizeConfig } from './size.ts';
import type { WordsConfig } from './words/words.ts';

/** What to detect, as a rule's YAML states it. */
export type DetectorConfig = PiiConfig | SecretsConfig | WordsConfig | PatternsConfig | InjectionConfig | SizeConfig;

type ConfigOf<Name extends DetectorConfig['detector']> = Extract<DetectorConfig, { detector: Name }>;

/** Each detector, with what it needs, is loaded when a rule asks for it. */
const makers: { readonly [Name in DetectorConfig['detector']]: (config: ConfigOf<Name>) => Promise<Detector> } = {
  pii: async (config) => (await import('./pii/pii.ts')).makePiiDetector(config),
  secrets: async (config) => (await import('./secrets/secrets.ts')).makeSecretsDetector(config),
  words: async (config) => (await import('./words/words.ts')).makeWordsDetector(config),
  patterns: async (config) => (await import('./patterns/patterns.ts')).makePatternsDetector(config),
  injection: async (config) => (await import('./injection/injection.ts')).makeInjectionDetector(config),
  size: async (config) => (await import('./size.ts')).makeSizeDetector(config),
};

/**
 * Compiles a detector. Do it once per configuration, not per call.
 * @throws {DetectorConfigError} if the configuration is wrong, or could match nothing
 */
export function makeDetector<Name extends DetectorConfig['detector']>(config: ConfigOf<Name>): Promise<Detector> {
  const { detector }: { readonly detector: Name } = config;
  return makers[detector](config);
}
