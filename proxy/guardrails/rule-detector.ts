import type { OrganizationSpec } from '../../crds/resources.generated.ts';
import type { Detector } from './detect/detector.ts';
import { makeDetector } from './detect/make-detector.ts';

export type RuleSpec = NonNullable<OrganizationSpec['guardrails']>[number];

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
 * Compiles what a rule finds in texts by itself.
 *
 * @returns undefined for a rule that asks a service, or judges whole answers
 * @throws {DetectorConfigError} where the rule cannot be used, or could find nothing
 */
export async function ruleDetector(spec: RuleSpec): Promise<Detector | undefined> {
  if (spec.pii) return makeDetector({ detector: 'pii', ...spec.pii });
  if (spec.secrets) return makeDetector({ detector: 'secrets', ...spec.secrets });
  if (spec.words) return makeDetector({ detector: 'words', ...spec.words });
  if (spec.patterns) return makeDetector({ detector: 'patterns', ...spec.patterns });
  if (spec.injection) return makeDetector({ detector: 'injection' });
  if (spec.size) return makeDetector({ detector: 'size', ...spec.size });
  return undefined;
}

/** Compiles the schema of a rule. @throws {DetectorConfigError} where it is none */
export async function ruleSchema({ schema }: RuleSpec): Promise<((answer: string) => boolean) | undefined> {
  if (!schema) return undefined;
  const { check } = (await import('./detect/schema.ts')).makeSchemaCheck(schema.schema);
  return (answer) => check(answer) === undefined;
}
