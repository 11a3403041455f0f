import type { IncomingHttpHeaders } from 'node:http';
import type { CacheableCall } from '../../cache/cacheable-call.ts';
import { ProxyError } from '../../error.ts';
import type { Operation } from '../../operations/operation.ts';
import type { Exchange } from '../../providers/exchange.ts';
import type { Body } from '../../providers/json.ts';
import { formatOf, type ProviderTable } from '../../providers/table.ts';
import { type Admission, makeAdmission } from '../admit/admission.ts';
import { admitFormModels } from '../admit/admit.ts';
import { makePermit } from '../admit/permit.ts';
import { cacheableCallOf } from '../cacheable-call.ts';
import type { CallContext } from '../context.ts';
import { CallNeeds } from '../reserve/call-needs.ts';
import type { Sought } from '../reserve/reserve.ts';
import { refuseFormReferences } from '../resources/references.ts';
import type { RouteHealth } from '../route/health.ts';
import { soughtOf } from '../run-body.ts';
import { lookAtLimits } from './look-at-limits.ts';
import { type LookingGuardrails, lookByGuardrails } from './look-by-guardrails.ts';
import type { Explain, ExplainOptions, ExplainQuestion } from './question.ts';
import { Story } from './story.ts';

/** Makes the explanation of calls: the admission and the reserve of calls, over parts that only look. */
export function makeExplain(options: ExplainOptions): Explain {
  return async (question) => {
    const origin = question.origin ?? options.origin;
    const guardrails = lookByGuardrails({ inFlight: options.inFlight, origin });
    const story = new Story(options, { ...question, origin }, guardrails);
    try {
      const sought = await admit(options, question, guardrails, story);
      story.needs = new CallNeeds(sought, options.histories);
      const limits = await lookAtLimits({ ...options, origin }, sought);
      story.tellLimits(limits);
    } catch (error) {
      if (!(error instanceof ProxyError)) throw error;
      story.refuse(error);
    } finally {
      await guardrails.close();
    }
    return story.tell();
  };
}

/** Admits the call as a real one. @throws {ProxyError} where it would not be made */
async function admit(
  { inForce, catchUp, identify, ownership, providers, health, modelRules, ...options }: ExplainOptions,
  { context: without, identity, headers, operation, body, origin = options.origin }: ExplainQuestion,
  guardrails: LookingGuardrails,
  story: Story,
): Promise<Sought> {
  const context: CallContext = { ...without, caller: identify(identity, headers, without.inForce.snapshot) };
  story.knowCaller(context);
  const checks = makeAdmission({
    ownership,
    exchange: nothingIsSent,
    guardrails,
    health: onlyLooking(health),
    providers,
    modelRules,
    origin,
    // The lines are in a file at the provider.
    ownChecks: { batches: async () => undefined },
    random: () => 0,
    onPassed: (check, judged) => story.passed(check, judged),
  });
  const admission: Admission = {
    open(of, asked) {
      checks.open(of, asked);
      story.passed('surface');
    },
    admit(candidate) {
      story.passed('body');
      story.passed('persona');
      return checks.admit(candidate);
    },
  };
  if (operation.takesForm) {
    const sought = await admitForm(admission, providers, context, operation, body);
    const look = context.inForce.snapshot.spec.cache && (await options.lookAtCache(formOf(sought, headers), origin));
    // The files are part of what is asked, and nobody knows them here.
    story.knowCache(look && (look.result === 'bypass' ? look : { result: 'unknown' }));
    return sought;
  }
  const permit = makePermit({ inForce, catchUp, admission, providers, usageRefusals: { has: () => false } });
  const permitted = await permit({ context, operation, rawBody: Buffer.from(JSON.stringify(body)) });
  story.knowPersona(permitted.source.persona);
  const hasCache = permitted.context.inForce.snapshot.spec.cache !== undefined;
  const cache = hasCache
    ? await options.lookAtCache(
        cacheableCallOf({ headers, context }, permitted, () => nobodyLeaves),
        origin,
      )
    : undefined;
  story.knowCache(cache);
  return soughtOf(operation, permitted, cache?.result === 'hit' ? { status: 'hit' } : undefined);
}

/** As calls with forms are admitted: without a persona, and without references. */
async function admitForm(
  admission: Admission,
  providers: ProviderTable,
  context: CallContext,
  operation: Operation,
  body: Body,
): Promise<Sought> {
  admission.open(context, operation);
  admitFormModels(context.inForce.snapshot, body);
  refuseFormReferences(body);
  const candidate = { context, operation, isRewritable: false, otherModels: [], references: [] };
  const { model, key } = await admission.admit({ ...candidate, body, said: body });
  formatOf(providers, key.provider, operation.name);
  return { context, operation: operation.name, model, key, body, sent: undefined, hasReferences: true };
}

/** A call through an open circuit counts as its trial, which an explanation is not. */
function onlyLooking({ isCalm, stateOf }: Pick<RouteHealth, 'isCalm' | 'stateOf'>): RouteHealth {
  return {
    isCalm,
    stateOf,
    prefer(keys, model) {
      const isWell = (key: (typeof keys)[number]) => stateOf(key, model) === 'well';
      return [...keys.filter(isWell), ...keys.filter((key) => !isWell(key))];
    },
    failed() {},
    succeeded() {},
  };
}

/** A call with a form, as the cache needs to know it to say whether it is for the cache. */
function formOf({ context, operation, model, key, body }: Sought, headers: IncomingHttpHeaders): CacheableCall {
  const { caller, inForce, startedAtMs } = context;
  return {
    ...{ snapshot: inForce.snapshot, envelope: inForce.envelope, operation, effects: 'none', headers, passes: [] },
    ...{ body: { fields: body }, exactText: undefined, model, sentModel: model, hideUsage: false },
    ...{ user: caller.user, userId: caller.userId, sessionId: undefined, key, hasReferences: false, startedAtMs },
    addAnswer() {},
    gone: () => nobodyLeaves,
  };
}

const nobodyLeaves = new AbortController().signal;

const nothingIsSent: Exchange = () => {
  throw new TypeError('An explanation sends nothing');
};
