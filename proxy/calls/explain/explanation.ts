import type { CacheLook } from '../../cache/cache-look.ts';
import type { ProxyError } from '../../error.ts';
import type { OperationName } from '../../providers/operation-name.ts';
import type { KeyState } from '../route/health.ts';

/** A field of a resource that decides about a call. */
export interface Decider {
  /** Such as `Organization/acme` or `ApiKeyBinding/web/openai`. */
  readonly resource: string;
  /** Such as `spec.models.allow[2]`. Null: the resource as a whole. */
  readonly field: string | null;
}

/** The decisions about a call, in the order in which they are made. */
export const stepNames = [
  'caller',
  'surface',
  'body',
  'persona',
  'alias',
  'defaults',
  'ceilings',
  'fields',
  'models',
  'references',
  'key',
  'guardrails',
  'lines',
  'provider',
  'cache',
  'limits',
] as const;
export type StepName = (typeof stepNames)[number];

/** A decision about a call. */
export interface Step {
  readonly check: StepName;
  /** `unknown`: it cannot be told without sending something; `not_reached`: an earlier one refuses the call. */
  readonly result: 'passed' | 'refused' | 'unknown' | 'not_reached';
  readonly detail: string;
  readonly decidedBy: readonly Decider[];
}

/** A provider key that may serve the call, in the order in which they would be tried. */
export interface RouteChoice {
  readonly binding: string;
  readonly provider: string;
  /** What the provider calls the model. Null: it chooses one. */
  readonly model: string | null;
  /** The part of the calls that go to it first, where providers of one priority share them. Null: it is not shared. */
  readonly share: number | null;
  readonly state: KeyState;
  readonly isChosen: boolean;
}

/** How far a rule that counts the call is used. Amounts are in its unit; dollars in 10⁻⁹. */
export interface RuleUse {
  readonly kind: 'limit' | 'budget' | 'tier';
  readonly name: string;
  readonly decidedBy: Decider;
  readonly per: string;
  /** Whose calls are counted together. Null: all of the organization's. */
  readonly scope: string | null;
  readonly unit: string;
  readonly limit: number;
  readonly used: number;
  readonly reserved: number;
  readonly remaining: number;
  /** What the call may need at most. */
  readonly needs: number;
  readonly isEnforced: boolean;
  readonly wouldExceed: boolean;
  readonly resetMs: number | null;
}

/** A guardrail that is for the call. */
export interface GuardrailUse {
  readonly name: string;
  readonly decidedBy: Decider;
  readonly detector: string;
  readonly appliesTo: string;
  readonly action: string;
  /** Whether it finds something in what the caller says. Null: it is about the answer alone, or asks a service. */
  readonly finds: boolean | null;
}

/** Upper bounds of what the call uses. */
export interface Bounds {
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** In 10⁻⁹ dollars. Null: no price is known. */
  readonly nanoUsd: number | null;
}

/** What would happen to a call now. */
export interface Explanation {
  readonly operation: OperationName;
  readonly user: string | null;
  readonly session: string;
  /** Null: the provider chooses, or the call is refused before. */
  readonly model: string | null;
  /** The error that the call gets. Undefined: it goes to a provider. */
  readonly refusal: ProxyError | undefined;
  /** What the refusal follows from. Empty where the call itself is at fault. */
  readonly decidedBy: readonly Decider[];
  readonly steps: readonly Step[];
  readonly route: readonly RouteChoice[];
  readonly rules: readonly RuleUse[];
  readonly guardrails: readonly GuardrailUse[];
  /** Undefined: the organization has no cache, or the call is refused before. */
  readonly cache: CacheLook | undefined;
  readonly bounds: Bounds | undefined;
  /** Undefined: no provider is asked. */
  readonly terms: Terms | undefined;
  /** What cannot be told, or may differ. */
  readonly notes: readonly string[];
}

/** How long the provider may take, and how often the call may be sent. */
export interface Terms {
  readonly connectMs: number | null;
  readonly headersMs: number;
  readonly idleMs: number;
  readonly totalMs: number | null;
  readonly attempts: number;
  readonly withinMs: number;
  readonly repeats: number;
}
