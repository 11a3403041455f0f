import type { Reference } from '../../../crds/read-call-fields.ts';
import { ProxyError } from '../../error.ts';
import type { CallGuard } from '../../guardrails/call-guard.ts';
import type { Guardrails } from '../../guardrails/guardrails.ts';
import type { Operation } from '../../operations/operation.ts';
import type { Exchange } from '../../providers/exchange.ts';
import type { Body } from '../../providers/json.ts';
import type { OperationName } from '../../providers/operation-name.ts';
import { formatIsOffered, type ProviderTable } from '../../providers/table.ts';
import type { RoutedKey } from '../../snapshot/snapshot.ts';
import type { CallContext } from '../context.ts';
import type { ModelRules } from '../models/model-rules.ts';
import type { ReadyModelRules } from '../models/ready-model-rules.ts';
import type { BatchLines } from '../reserve/reserve.ts';
import { type MadeByAll, type Ownership, requireSameKey } from '../resources/ownership.ts';
import type { RouteHealth } from '../route/health.ts';
import { routeKey, routeKeys } from '../route/route.ts';
import { admitAnyModel, admitModel, admitSurface } from './admit.ts';
import { checkBody } from './body.ts';
import {
  aliasIsResolved,
  ceilingsHold,
  defaultsAreSet,
  type ModelCheckDependencies,
  type ModelJudged,
} from './model-checks.ts';
import type { ModelTerms } from './model-terms.ts';

/** A call to check. It is the same for each way in: a body, a form, a line of a batch, an analysis. */
export interface Candidate {
  readonly context: CallContext;
  readonly operation: Operation;
  /** The body that goes upstream, with the persona applied; for a form, its fields. */
  readonly body: Body;
  /** What the caller says: the body without the persona. Guardrails check it. */
  readonly said: Body;
  /** Whether what the caller says can be changed. A form, and a line of a batch's file, go as they are. */
  readonly isRewritable: boolean;
  /** Whether guardrails may hold the answer for a person. Absent: what they would hold is refused. */
  readonly mayHold?: true;
  /** Further models that the body names. */
  readonly otherModels: readonly string[];
  /** The stored resources that the body names. */
  readonly references: readonly Reference[];
  /** The key, if it is already decided: the lines of a batch go to the key of their file. */
  readonly fixed?: { readonly key: RoutedKey; readonly param: string };
}

/** The results of the checks. */
export interface Admitted {
  /** The requested model, which an alias has been replaced by. Undefined where the provider chooses. */
  readonly model: string | undefined;
  /** What the organization's aliases, defaults and ceilings made of the body. Undefined where it has none. */
  readonly terms: ModelTerms | undefined;
  readonly madeBy: MadeByAll | undefined;
  readonly key: RoutedKey;
  /** Undefined where no guardrail is for the call. */
  readonly guard: CallGuard | undefined;
  /** The calls of a batch. Undefined for any other call. */
  readonly lines: BatchLines | undefined;
}

/** A call during the checks, with the results so far. */
export interface Judged extends Omit<Candidate, 'body'>, ModelJudged {
  readonly fixed?: NonNullable<Candidate['fixed']>;
  model: string | undefined;
  madeBy: MadeByAll | undefined;
  key: RoutedKey | undefined;
  guard: CallGuard | undefined;
  lines: BatchLines | undefined;
}

/**
 * A check. It stores its results in the call, and returns a promise only where it has to wait.
 *
 * @throws {ProxyError} where the call may not be made
 */
type Check = (judged: Judged, dependencies: AdmissionDependencies) => void | Promise<void>;

/** The checks of a call, by name, in order. */
export type CheckName =
  | 'alias'
  | 'defaults'
  | 'ceilings'
  | 'fields'
  | 'models'
  | 'references'
  | 'key'
  | 'any-model'
  | 'guardrails'
  | 'lines';

/**
 * A check of an operation whose body does not show everything, such as its models. @throws {ProxyError} where the call
 * may not be made
 */
export type OwnCheck = (
  candidate: Candidate,
  key: RoutedKey,
  admission: Admission,
  dependencies: AdmissionDependencies,
) => Promise<BatchLines | undefined>;

export interface AdmissionDependencies extends ModelCheckDependencies {
  readonly ownership: Ownership;
  readonly exchange: Exchange;
  readonly guardrails: Pick<Guardrails, 'check'>;
  /** What is remembered of failures. Absent: nothing. */
  readonly health?: RouteHealth;
  /** Which operations providers offer. Absent: all. */
  readonly providers?: ProviderTable;
  /** Absent: there are none. */
  readonly modelRules?: Pick<ModelRules, 'of'>;
  /** Own checks by operation. */
  readonly ownChecks: Readonly<Partial<Record<OperationName, OwnCheck>>>;
  /** Hears of each check that lets a call pass, with the results so far. Absent: nobody listens. */
  readonly onPassed?: (check: CheckName, judged: Judged) => void;
  /** From 0 to below 1. Absent: by chance. */
  readonly random?: () => number;
}

/** Decides whether calls may be made. */
export interface Admission {
  /** Runs the checks that do not need the body. @throws {ProxyError} */
  open(context: CallContext, operation: Operation): void;
  /** Runs all checks on a call, in order. @throws {ProxyError} where it may not be made */
  admit(candidate: Candidate): Admitted | Promise<Admitted>;
}

export function makeAdmission(dependencies: AdmissionDependencies): Admission {
  const ownCheck: Check = (judged) => {
    const own = dependencies.ownChecks[judged.operation.name];
    return own?.(judged, keyOf(judged), admission, dependencies).then((lines) => {
      judged.lines = lines;
    });
  };
  /** The checks, in order. */
  const checks: readonly (readonly [CheckName, Check])[] = [
    ['alias', aliasIsResolved],
    ['defaults', defaultsAreSet],
    ['ceilings', ceilingsHold],
    ['fields', fieldsAreThere],
    ['models', modelsAreAllowed],
    ['references', referencesAreOwn],
    ['key', keyServes],
    ['any-model', anyModelWillDo],
    ['guardrails', guardrailsLetPass],
    ['lines', ownCheck],
  ];
  const { onPassed } = dependencies;
  const judge = (judged: Judged, from: number): Admitted | Promise<Admitted> => {
    for (let at = from; at < checks.length; at += 1) {
      const named = checks[at];
      if (!named) break;
      const waiting = named[1](judged, dependencies);
      if (waiting) {
        return waiting.then(() => {
          onPassed?.(named[0], judged);
          return judge(judged, at + 1);
        });
      }
      onPassed?.(named[0], judged);
    }
    const { model, terms, madeBy, guard, lines } = judged;
    return { model, terms, madeBy, key: keyOf(judged), guard, lines };
  };
  const admission: Admission = {
    open: ({ inForce }, operation) => admitSurface(inForce.snapshot, operation.surface),
    admit(candidate) {
      const begin = (rules: ReadyModelRules | undefined) => judge({ ...candidate, rules, ...noResults }, 0);
      const rules = dependencies.modelRules?.of(candidate.context.inForce.snapshot);
      return rules instanceof Promise ? rules.then(begin) : begin(rules);
    },
  };
  return admission;
}

const noResults = {
  terms: undefined,
  stated: undefined,
  model: undefined,
  madeBy: undefined,
  key: undefined,
  guard: undefined,
  lines: undefined,
};

const fieldsAreThere: Check = (judged) => {
  judged.model = checkBody(judged.body, judged.operation);
};

const modelsAreAllowed: Check = ({ context, model, terms, otherModels }) => {
  const { snapshot } = context.inForce;
  if (model !== undefined) admitModel(snapshot, model, terms?.alias);
  for (const other of otherModels) admitModel(snapshot, other);
};

const referencesAreOwn: Check = (judged, { ownership }) => {
  const { references, context, fixed } = judged;
  if (references.length === 0) return undefined;
  const required = fixed
    ? ownership.requireAll(references, context.caller)
    : requireOwn(ownership, references, context);
  return required.then((madeBy) => {
    judged.madeBy = madeBy;
  });
};

/** A previous response of another user, or of another owner with the same key, is treated as missing. */
async function requireOwn(ownership: Ownership, references: readonly Reference[], { caller }: CallContext) {
  try {
    return await ownership.requireAll(references, caller);
  } catch (error) {
    const param = 'previous_response_id';
    if (!(error instanceof ProxyError && error.code === 'resource_not_found' && error.param === param)) throw error;
    const { id = '' } = references.find((reference) => reference.param === param) ?? {};
    const message = `Previous response with id '${id.slice(0, 200)}' not found.`;
    throw new ProxyError('previous_response_not_found', { param, message });
  }
}

const keyServes: Check = (judged, dependencies) => {
  const { context, operation, model, madeBy, fixed } = judged;
  if (!fixed) {
    judged.key = chooseKey(context, operation, model, madeBy, dependencies);
    return;
  }
  const { key, param } = fixed;
  if (!key.servesModel(model)) {
    throw new ProxyError('invalid_request', { param, message: 'the key of the file does not serve its model' });
  }
  requireSameKey(param, { apiKeyId: key.id }, madeBy);
  judged.key = key;
};

/**
 * Chooses the key of a call. All keys are looked at only where weights, failures, or a provider that does not offer the
 * operation could make it another one than the first.
 */
function chooseKey(
  { inForce, caller, startedAtMs: nowMs }: CallContext,
  operation: Operation,
  model: string | undefined,
  madeBy: MadeByAll | undefined,
  { health, providers, random = Math.random }: AdmissionDependencies,
): RoutedKey {
  const { snapshot } = inForce;
  const first = () => routeKey(snapshot, caller, model, madeBy, nowMs);
  if (model === undefined || snapshot.keys.size < 2) return first();
  const offers = ({ provider }: RoutedKey) => !providers || formatIsOffered(providers, provider, operation.name);
  const isCalm = health?.isCalm() ?? true;
  const key = snapshot.hasWeights || !isCalm ? undefined : first();
  if (key && offers(key)) return key;
  const keys = routeKeys(snapshot, { caller, model, predecessor: madeBy, nowMs }, random).filter(offers);
  return (isCalm ? keys : health?.prefer(keys, model))?.[0] ?? key ?? first();
}

/** Checks a call whose model the provider chooses. An operation with its own check checks its models itself. */
const anyModelWillDo: Check = (judged, { ownChecks }) => {
  if (judged.model !== undefined || ownChecks[judged.operation.name]) return;
  admitAnyModel(judged.context.inForce.snapshot, keyOf(judged));
};

const guardrailsLetPass: Check = (judged, { guardrails }) => {
  const { context, operation, model, said, isRewritable, mayHold } = judged;
  const { snapshot, envelope } = context.inForce;
  if (snapshot.spec.guardrails === undefined) return undefined;
  const { requestId, caller } = context;
  const { user, userId, sessionId, turnId } = caller;
  const end = context.trace?.step('guardrails');
  const checked = guardrails.check({
    requestId,
    snapshot,
    envelope,
    operation: operation.name,
    model,
    user,
    userId,
    sessionId,
    turn: { id: turnId },
    key: keyOf(judged),
    said,
    isRewritable,
    ...(mayHold && ({ review: 'hold' } as const)),
  });
  const note = (guard: CallGuard | undefined) => {
    judged.guard = guard;
    end?.({ 'chaperone.guardrails': guard?.hits() });
  };
  return checked instanceof Promise ? checked.then(note) : note(checked);
};

function keyOf({ key }: Judged): RoutedKey {
  if (!key) throw new ProxyError('no_api_key');
  return key;
}
