import type { InFlight } from '../in-flight.ts';
import type { Exchange } from '../providers/exchange.ts';
import type { Detector } from './detect/detector.ts';
import { makeDetector } from './detect/make-detector.ts';
import type { Look, RuleSpec } from './rule.ts';

export interface LookDependencies {
  readonly exchange: Exchange;
  readonly inFlight: InFlight;
}

/** Fields of a rule that name its detector. */
const detectorFields = [
  'pii',
  'secrets',
  'words',
  'patterns',
  'injection',
  'moderation',
  'size',
  'schema',
  'external',
] as const;

/** Which detector a rule has. */
export function detectorOf(spec: RuleSpec): (typeof detectorFields)[number] | undefined {
  return detectorFields.find((field) => spec[field] !== undefined);
}

/**
 * Makes how a rule looks at texts. What it needs is loaded now.
 *
 * @throws {DetectorConfigError} where the rule cannot be used, or could find nothing
 */
export async function lookOf(
  spec: RuleSpec,
  dependencies: LookDependencies,
): Promise<Look & { close?(): Promise<void> }> {
  if (spec.pii) return byMatches(makeDetector({ detector: 'pii', ...spec.pii }));
  if (spec.secrets) return byMatches(makeDetector({ detector: 'secrets', ...spec.secrets }));
  if (spec.words) return byMatches(makeDetector({ detector: 'words', ...spec.words }));
  if (spec.patterns) return byMatches(makeDetector({ detector: 'patterns', ...spec.patterns }));
  if (spec.injection) return byMatches(makeDetector({ detector: 'injection' }));
  if (spec.size) return { by: 'length', detector: await makeDetector({ detector: 'size', ...spec.size }) };
  if (spec.moderation) return (await import('./looks/moderation.ts')).moderation(spec.moderation, dependencies);
  if (spec.external) return (await import('./looks/external.ts')).external(spec.name, spec.external);
  if (spec.schema) {
    const { check } = (await import('./detect/schema.ts')).makeSchemaCheck(spec.schema.schema);
    return { by: 'shape', isRight: (answer) => check(answer) === undefined };
  }
  return { by: 'nothing' };
}

async function byMatches(made: Promise<Detector>): Promise<Look> {
  return { by: 'matches', detector: await made };
}
