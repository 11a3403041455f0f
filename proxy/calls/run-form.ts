import type { AnswerCache } from '../cache/answer-cache.ts';
import { bypassed, type CacheUse } from '../cache/cache-use.ts';
import { ProxyError } from '../error.ts';
import type { Body } from '../providers/json.ts';
import { formatOf, type ProviderTable } from '../providers/table.ts';
import type { RoutedKey } from '../snapshot/snapshot.ts';
import type { Admission } from './admit/admission.ts';
import { admitFormModels } from './admit/admit.ts';
import { headersOfTerms } from './admit/model-terms.ts';
import type { AnswerCall } from './answer/answer-call.ts';
import type { Attempt } from './attempt.ts';
import { cacheableForm } from './cacheable-form.ts';
import type { Call } from './call.ts';
import type { FormRequest } from './call-request.ts';
import type { NextAttempt } from './next-attempt.ts';
import { openForm } from './receive/form.ts';
import type { FormContent } from './receive/form-scanner.ts';
import type { StallWatch } from './receive/stall-watch.ts';
import type { Reserve } from './reserve/reserve.ts';
import { refuseFormReferences } from './resources/references.ts';
import type { RouteHealth } from './route/health.ts';
import { makeFallback } from './route/make-fallback.ts';
import { sentModel } from './route/sent-model.ts';
import { makeSuccession } from './succession.ts';
import { upstreamHeaders } from './upstream-headers.ts';

/**
 * Makes a call whose body is a form, which goes upstream while it arrives.
 *
 * @throws {ProxyError} where the call is not made
 */
export type RunForm = (request: FormRequest) => Promise<void>;

export interface RunFormOptions {
  readonly admission: Admission;
  readonly stalls: StallWatch;
  readonly cache: Pick<AnswerCache, 'use'>;
  readonly reserve: Reserve;
  readonly answerCall: AnswerCall;
  readonly providers: ProviderTable;
  readonly health: RouteHealth;
}

export function makeRunForm({
  admission,
  stalls,
  cache,
  reserve,
  answerCall,
  providers,
  health,
}: RunFormOptions): RunForm {
  return async (request) => {
    const { context, operation } = request;
    const { snapshot } = context.inForce;
    admission.open(context, operation);
    const headersFor = ({ provider }: RoutedKey) =>
      upstreamHeaders(request.headers, snapshot, context.caller, provider);
    const end = context.trace?.step('admission');
    /** Judges the fields that come while the form is being forwarded. Undefined until the call is admitted. */
    let judgeLater: ((content: FormContent) => void | Promise<void>) | undefined;
    const check = (content: FormContent) => {
      admitFormModels(snapshot, content.fields);
      refuseFormReferences(content.fields);
      return judgeLater?.(content);
    };
    const mayReplay = snapshot.spec.cache !== undefined && operation.mayReplayForm === true;
    const form = await openForm(request.request, context.share, stalls, check, mayReplay);
    let cached: CacheUse | undefined;
    const onEnd = () => {
      form.close();
      request.onEnd();
    };
    try {
      const { fields, files } = form.content;
      const candidate = { context, operation, isRewritable: false, otherModels: [], references: [] };
      const { model, terms, key, guard } = await admission.admit({ ...candidate, body: fields, said: { ...fields } });
      end?.();
      context.trace?.asks(model, key);
      const hasRules = snapshot.spec.models?.ceilings !== undefined;
      if (guard || hasRules) {
        const judge = (said: Body) => admission.admit({ ...candidate, body: fields, said });
        judgeLater = laterFields(form.content, judge, guard !== undefined);
      }
      // The cache must know all of a form before it can tell whether it has been asked before.
      const isWhole = mayReplay && (await form.hold()) && form.content.isComplete();
      const passes = formatOf(providers, key.provider, operation.name).passes ?? [];
      cached = isWhole
        ? await cache.use(cacheableForm(request, form.content, { key, model }, passes))
        : snapshot.spec.cache && bypassed;
      const call: Call = {
        kind: 'call',
        requestId: context.requestId,
        startedAtMs: context.startedAtMs,
        startedTicks: context.startedTicks,
        operation: operation.name,
        caller: context.caller,
        input: () => JSON.stringify({ ...fields, files }),
        body: fields,
        isStream: () => fields.stream === 'true',
        requestedModel: model,
        modelAlias: terms?.alias,
        persona: undefined,
        previousResponseId: undefined,
        key,
        guard,
        cached,
        trace: context.trace,
      };
      let named = typeof fields.model === 'string' ? fields.model : undefined;
      const makeAttempt = (to: RoutedKey): Attempt => {
        const format = formatOf(providers, to.provider, operation.name);
        const providerModel = sentModel(to, model);
        if (providerModel !== undefined && providerModel !== named) form.renameModel(providerModel);
        named = providerModel;
        const sent = { body: form.bytes(), headers: { ...headersFor(to), ...form.headers() } };
        return { key: to, format, model: providerModel, ...sent, hideUsage: false };
      };
      const first = makeAttempt(key);
      const asked = { context, operation: operation.name, model, body: fields, sent: undefined, hasReferences: true };
      const isReplayed = cached?.status === 'hit';
      const reservation = await reserve({ ...asked, key, isReplayed });
      const repeatable = { context, operation, body: fields, model, madeBy: undefined, isIdempotent: false, health };
      const succeed = makeSuccession<Attempt>({
        ...{ context, model, reservation },
        fallback: () => makeFallback(providers, repeatable),
        attemptWith: makeAttempt,
        soughtOf: (_, to) => ({ ...asked, key: to }),
      });
      /** The bytes can be read once, so only an attempt that read none of them is followed by another. */
      const next: NextAttempt = (failed, failure) => (form.isUntouched() ? succeed(failed.key, failure) : undefined);
      answerCall(
        { ...request, onEnd },
        {
          context,
          operation,
          call,
          headers: headersFor(key),
          first,
          next: snapshot.mayFallBack && !isReplayed ? next : undefined,
          reservation,
          told: headersOfTerms(terms, model),
        },
      );
    } catch (error) {
      form.close();
      cached?.giveUp();
      if (cached && error instanceof ProxyError) error.headers = { ...cached.headers, ...error.headers };
      throw error;
    }
  };
}

/**
 * Judges fields of a form that come after its model, each once. The last byte of a form waits for them.
 *
 * @param readsTexts whether all of its texts must be known, and not only the fields that govern the call
 */
function laterFields(
  before: FormContent,
  judge: (said: Body) => unknown,
  readsTexts: boolean,
): (content: FormContent) => Promise<void> {
  const judged = new Map(Object.entries(before.fields).map(([name, value]) => [name, [value].flat().length]));
  return async ({ fields, isComplete }) => {
    if (readsTexts && !isComplete()) {
      const message = 'the fields of the form have more text than guardrails of the organization read';
      throw new ProxyError('request_too_large', { message });
    }
    const later: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(fields)) {
      const values = [value].flat();
      if (values.length > (judged.get(name) ?? 0)) later[name] = value;
      judged.set(name, values.length);
    }
    if (Object.keys(later).length > 0) await judge(later);
  };
}
