import type { Detector } from './detector.ts';
import type { PiiConfig } from './pii/pii.ts';

/** What to detect, as a rule's YAML states it. */
export type DetectorConfig = PiiConfig;

type ConfigOf<Name extends DetectorConfig['detector']> = Extract<DetectorConfig, { detector: Name }>;

/** Each detector, with what it needs, is loaded when a rule asks for it. */
const makers: { readonly [Name in DetectorConfig['detector']]: (config: ConfigOf<Name>) => Promise<Detector> } = {
  pii: async (config) => (await import('./pii/pii.ts')).makePiiDetector(config),
};

/**
 * Compiles a detector. Do it once per configuration, not per call.
 * @throws {DetectorConfigError} if the configuration is wrong, or could match nothing
 */
export function makeDetector(config: DetectorConfig): Promise<Detector> {
  return makers[config.detector](config);
}
