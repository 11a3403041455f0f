import { ProxyError } from '../../error.ts';
import type { Operation } from '../../operations/operation.ts';
import type { Body } from '../../providers/json.ts';
import type { CallFacts } from '../../snapshot/call-match.ts';
import type { CallContext } from '../context.ts';
import type { BodyEdit } from '../models/body-edit.ts';
import type { CeilingCall } from '../models/ceilings.ts';
import type { ReadyModelRules } from '../models/ready-model-rules.ts';
import type { Origin } from '../settle/record.ts';
import { type ModelTerms, noTerms, onTerms } from './model-terms.ts';

/** What these checks read of a call, and change in it. */
export interface ModelJudged {
  readonly context: CallContext;
  readonly operation: Operation;
  readonly isRewritable: boolean;
  /** Undefined: the call is no line of a batch. */
  readonly fixed?: object;
  /** Undefined where the organization has no rules about models. */
  readonly rules: ReadyModelRules | undefined;
  /** As the rules have left it. */
  body: Body;
  terms: ModelTerms | undefined;
  /** The body before defaults were set in it. Undefined: none were. */
  stated: Body | undefined;
}

export interface ModelCheckDependencies {
  /** The pod of this proxy's calls. */
  readonly origin?: Origin | undefined;
  readonly onCeiling?: CeilingCall['onReached'];
}

/** A check by the organization's rules about models. @throws {ProxyError} where the call may not be made */
type ModelCheck = (judged: ModelJudged, dependencies: ModelCheckDependencies) => void;

/** Replaces a name that stands for a model, so that everything after it sees the model. */
export const aliasIsResolved: ModelCheck = (judged, { origin }) => {
  const { rules, body, context, fixed } = judged;
  const { model: alias } = body;
  if (!rules || typeof alias !== 'string') return;
  const { user, optimizationLevel: level } = context.caller;
  const model = rules.aliases.resolve(alias, { user, workload: origin, level });
  if (model === undefined || model === alias) return;
  if (fixed) throw cannotRename(alias, model);
  change(judged, [(one) => ({ ...one, model })], { alias });
};

/** Sets what neither the client nor the persona says. Forms and lines of batches stay as they are. */
export const defaultsAreSet: ModelCheck = (judged, dependencies) => {
  const { rules, operation, body, isRewritable } = judged;
  if (!rules || !isRewritable) return;
  judged.stated = body;
  const defaults = rules.defaults(factsOf(judged, dependencies), operation, body);
  const edits = defaults.map(({ edit }) => edit);
  change(judged, edits, { defaults });
};

export const ceilingsHold: ModelCheck = (judged, dependencies) => {
  const { rules, operation, body, stated = body, isRewritable } = judged;
  if (!rules) return;
  const { onCeiling: onReached = () => {} } = dependencies;
  const facts = factsOf(judged, dependencies);
  const { edits, lowered } = rules.ceilings({ facts, operation, stated, isRewritable, onReached }, body);
  change(judged, edits, { lowered });
};

function factsOf({ body, operation, context }: ModelJudged, { origin }: ModelCheckDependencies): CallFacts {
  const { model } = body;
  const { user } = context.caller;
  return { model: typeof model === 'string' ? model : undefined, operation: operation.name, user, workload: origin };
}

function change(judged: ModelJudged, edits: readonly BodyEdit[], terms: Partial<ModelTerms>): void {
  if (edits.length === 0) return;
  const { terms: before = noTerms } = judged;
  judged.body = onTerms(judged.body, edits);
  judged.terms = { ...before, ...terms, edits: [...before.edits, ...edits] };
}

/** The provider reads the file as it was uploaded. */
function cannotRename(alias: string, model: string): ProxyError {
  const message = `its model ${JSON.stringify(alias)} stands for ${JSON.stringify(model)}, and a file cannot be changed; name that model`;
  return new ProxyError('invalid_request', { param: 'model', message });
}
