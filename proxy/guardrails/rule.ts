import type { OperationName } from '../providers/operation-name.ts';
import type { RoutedKey } from '../snapshot/snapshot.ts';
import type { Detector } from './detect/detector.ts';
import type { RuleSpec } from './rule-detector.ts';

export { detectorOf, type RuleSpec } from './rule-detector.ts';

/** Which side of a call is checked. */
export type Side = 'Input' | 'Output';

export type Action = RuleSpec['action'];

/** What a service that judges texts is told of the call. */
export interface Asked {
  readonly side: Side;
  readonly operation: OperationName;
  readonly model: string | undefined;
  readonly texts: readonly string[];
  readonly key: RoutedKey;
  readonly signal: AbortSignal;
}

/** How a rule looks at texts. */
export type Look =
  | { readonly by: 'matches'; readonly detector: Detector }
  /** All texts together are one text to it. */
  | { readonly by: 'length'; readonly detector: Detector }
  /** Whether the whole answer is as it must be. */
  | { readonly by: 'shape'; readonly isRight: (answer: string) => boolean }
  /** A service judges. It rejects where it cannot. @returns whether it objects */
  | { readonly by: 'service'; readonly objects: (asked: Asked) => Promise<boolean>; readonly passesOnError: boolean }
  /** The rule cannot be used, so what it would check is refused. */
  | { readonly by: 'nothing' };

/** A rule of `spec.guardrails`, ready for use. */
export interface Rule {
  readonly name: string;
  /** The field of the rule that says how it looks, such as `pii`. */
  readonly detector: string;
  readonly appliesTo: RuleSpec['appliesTo'];
  readonly action: Action;
  /** It blocks in place of `Review`, since answers of such calls cannot be held. */
  readonly cannotHold?: true;
  readonly restores: boolean;
  readonly look: Look;
}

export function isAbout({ appliesTo: sides }: Pick<Rule, 'appliesTo'>, side: Side): boolean {
  return sides === 'Both' || sides === side;
}
