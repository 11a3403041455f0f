import type { InFlight } from '../in-flight.ts';
import type { Exchange } from '../providers/exchange.ts';
import { makeDetector } from './detect/make-detector.ts';
import type { Look, RuleSpec } from './rule.ts';

export interface LookDependencies {
  readonly exchange: Exchange;
  readonly inFlight: InFlight;
}

/** Fields of a rule that name its detector. */
export const detectorFields = ['pii', 'moderation', 'size', 'schema', 'external'] as const;

export type DetectorField = (typeof detectorFields)[number];

/** Which detector a rule has. */
export function detectorOf(spec: RuleSpec): DetectorField | undefined {
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
  if (spec.pii) return { by: 'matches', detector: await makeDetector({ detector: 'pii', ...spec.pii }) };
  if (spec.size) return { by: 'length', maxCharacters: spec.size.maxCharacters };
  if (spec.moderation) return (await import('./looks/moderation.ts')).moderation(spec.moderation, dependencies);
  if (spec.external) return (await import('./looks/external.ts')).external(spec.name, spec.external);
  if (spec.schema) return (await import('./looks/schema.ts')).schema(spec.schema);
  return { by: 'nothing' };
}
