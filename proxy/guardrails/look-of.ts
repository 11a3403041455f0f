import type { InFlight } from '../in-flight.ts';
import type { Exchange } from '../providers/exchange.ts';
import type { Look, RuleSpec } from './rule.ts';
import { ruleDetector, ruleSchema } from './rule-detector.ts';

export interface LookDependencies {
  readonly exchange: Exchange;
  readonly inFlight: InFlight;
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
  const detector = await ruleDetector(spec);
  if (detector) return { by: spec.size ? 'length' : 'matches', detector };
  const isRight = await ruleSchema(spec);
  if (isRight) return { by: 'shape', isRight };
  if (spec.moderation) return (await import('./looks/moderation.ts')).moderation(spec.moderation, dependencies);
  if (spec.external) return (await import('./looks/external.ts')).external(spec.name, spec.external);
  return { by: 'nothing' };
}
