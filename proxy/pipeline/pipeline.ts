import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { Dispatcher } from 'undici';
import type { Envelope } from '../../database/envelope.ts';
import { ProxyError } from '../error.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import type { AccountingTerms, makeAccounting } from './account.ts';
import { admitAnyModel, admitModel, admitOtherModels, admitPersona, admitSurface } from './admit.ts';
import { makeAsk } from './ask.ts';
import type { Authenticator } from './authenticate.ts';
import { checkBody, makeUpstreamBody, parseBody } from './body.ts';
import type { Call, Caller } from './call.ts';
import { openForm } from './form.ts';
import { forward } from './forward.ts';
import type { Identify } from './identify.ts';
import type { Metrics } from './metrics.ts';
import type { Operation } from './operations/operation.ts';
import type { Price } from './price.ts';
import { type MadeBy, type Ownership, requireSameKey } from './resources/ownership.ts';
import { findReferences, mayRefer, refuseFormReferences } from './resources/references.ts';
import { inResponseFormat } from './response-format.ts';
import { routeKey } from './route.ts';
import { requireSingleHeaders } from './single-headers.ts';
import { makeUsageRefusals } from './usage-option.ts';

/** What is in force at one moment; a call takes it once, at its start, and keeps it to its end. */
export interface InForce {
  readonly snapshot: Snapshot;
  readonly authenticator: Authenticator;
  readonly envelope: Envelope;
  /** Of what serves one namespace only, by its name: those that this proxy acts for. */
  readonly namespaces: ReadonlyMap<string, Envelope>;
  readonly price: Price;
}

export interface PipelineOptions {
  /** @throws {ProxyError} where nothing is in force, or no longer */
  readonly inForce: () => InForce;
  readonly identify: Identify;
  readonly openAccount: ReturnType<typeof makeAccounting>;
  /** Resolves when the database's newest configuration is in force. */
  readonly catchUp: () => Promise<void>;
  readonly ownership: Ownership;
  readonly upstream: Dispatcher;
  readonly metrics: Metrics;
  readonly drainMs: number;
}

/** An HTTP request for a governed operation, as a surface hands it over. */
export interface OpenRequest {
  readonly operation: Operation;
  readonly requestId: string;
  readonly startedAtMs: number;
  readonly startedTicks: number;
  readonly caller: Caller;
  readonly headers: IncomingHttpHeaders;
  readonly response: ServerResponse;
  readonly responseHeaders: Readonly<Record<string, string>>;
  readonly refuse: (error: ProxyError) => void;
}

export interface CallRequest extends OpenRequest {
  readonly rawBody: Buffer;
}

/** A request whose body is a form, of which nothing has been read yet. */
export interface FormRequest extends OpenRequest {
  readonly request: IncomingMessage;
}

/** What it takes to say whether a call may be made. */
export type Permission = Pick<CallRequest, 'operation' | 'caller' | 'rawBody' | 'startedAtMs'>;

export type Pipeline = ReturnType<typeof makePipeline>;

/** The way of a call: authenticate, admit, route, forward (observing), account. */
export function makePipeline(options: PipelineOptions) {
  const { inForce, identify, openAccount, catchUp, ownership, upstream, metrics, drainMs } = options;

  const usageRefusals = makeUsageRefusals();

  const authenticate = (request: Pick<IncomingMessage, 'headers' | 'rawHeaders'>): Caller | Promise<Caller> => {
    requireSingleHeaders(request.rawHeaders);
    const { headers } = request;
    const { authenticator, snapshot } = inForce();
    const identity = authenticator.authenticate(headers, snapshot);
    if (identity instanceof Promise) return identity.then((known) => identify(known, headers, snapshot));
    return identify(identity, headers, snapshot);
  };

  /** Everything that is decided before anything goes upstream. @throws {ProxyError} where the call may not be made */
  const permit = async ({ operation, caller, rawBody, startedAtMs }: Permission) => {
    admitSurface(inForce().snapshot, operation.surface);
    const body = parseBody(rawBody);
    if (isUnknownPersona(inForce().snapshot, body.persona_id)) await catchUp().catch(() => {});
    const current = inForce();
    const { snapshot } = current;
    const persona = body.persona_id == null ? undefined : admitPersona(snapshot, caller, body.persona_id);
    const model = checkBody(body, operation, persona);
    if (model !== undefined) admitModel(snapshot, model);
    if (operation.otherModels) admitOtherModels(snapshot, operation, body);
    const previousResponseId = typeof body.previous_response_id === 'string' ? body.previous_response_id : undefined;
    const predecessor = previousResponseId === undefined ? undefined : await findOwn(previousResponseId, caller);
    const refers = mayRefer(rawBody, body);
    const references = refers ? findReferences(body) : [];
    const [reference] = references;
    const madeBy = reference
      ? requireSameKey(reference.param, predecessor, await ownership.requireAll(references, caller))
      : predecessor;
    const key = routeKey(snapshot, caller, model, madeBy, startedAtMs);
    if (operation.admit) await operation.admit({ body, caller, snapshot, key }, { ownership, upstream });
    else if (model === undefined) admitAnyModel(snapshot, key);
    const mayAskForUsage = body.stream !== true || !usageRefusals.has(key.provider, model);
    const sent = makeUpstreamBody(rawBody, body, operation, persona, refers, mayAskForUsage);
    return { current, body, persona, model, previousResponseId, key, sent, refers };
  };

  const run = async (request: CallRequest): Promise<void> => {
    const { caller, rawBody } = request;
    const operation = inResponseFormat(request.operation, request.headers, inForce().snapshot);
    const permitted = await permit(request);
    const { current, body, persona, model, previousResponseId, key, sent, refers } = permitted;
    const call: Call = {
      kind: 'call',
      requestId: request.requestId,
      startedAtMs: request.startedAtMs,
      startedTicks: request.startedTicks,
      operation: operation.name,
      caller,
      input: () => rawBody,
      body,
      isStream: () => body.stream === true,
      requestedModel: model,
      persona,
      previousResponseId,
      key,
    };
    const account = openAccount(call, termsOf(current));
    metrics.overhead.observe((performance.now() - request.startedTicks) / 1_000);
    await forward(upstream, {
      call,
      operation,
      account,
      body: sent.body,
      hideUsage: sent.hideUsage,
      withoutUsage: sent.hideUsage
        ? {
            body: () => makeUpstreamBody(rawBody, body, operation, persona, refers, false).body,
            onTaken: () => usageRefusals.add(key.provider, model),
          }
        : undefined,
      keepOutput: current.snapshot.storesContents,
      headers: upstreamHeaders(request.headers),
      response: request.response,
      responseHeaders: request.responseHeaders,
      refuse: request.refuse,
      drainMs,
    });
  };

  /** The same way for a form, which goes upstream while it still comes. */
  const runForm = async (request: FormRequest): Promise<void> => {
    const { operation, caller } = request;
    const current = inForce();
    const { snapshot } = current;
    admitSurface(snapshot, operation.surface);
    const form = await openForm(request.request, ({ fields }) => {
      admitOtherModels(snapshot, operation, fields);
      refuseFormReferences(fields);
    });
    try {
      const { fields, files } = form.content;
      const model = checkBody(fields, operation, undefined);
      if (model !== undefined) admitModel(snapshot, model);
      const key = routeKey(snapshot, caller, model, undefined, request.startedAtMs);
      if (model === undefined) admitAnyModel(snapshot, key);
      const call: Call = {
        kind: 'call',
        requestId: request.requestId,
        startedAtMs: request.startedAtMs,
        startedTicks: request.startedTicks,
        operation: operation.name,
        caller,
        input: () => JSON.stringify({ ...fields, files }),
        body: fields,
        isStream: () => fields.stream === 'true',
        requestedModel: model,
        persona: undefined,
        previousResponseId: undefined,
        key,
      };
      const account = openAccount(call, termsOf(current));
      await forward(upstream, {
        call,
        operation,
        account,
        body: form.bytes(),
        hideUsage: false,
        keepOutput: snapshot.storesContents,
        headers: { ...upstreamHeaders(request.headers), ...form.headers },
        response: request.response,
        responseHeaders: request.responseHeaders,
        refuse: request.refuse,
        drainMs,
      });
    } finally {
      form.close();
    }
  };

  /** A response of another user's, or of someone else's who shares the key, is answered like one that does not exist. */
  const findOwn = async (responseId: string, caller: Caller): Promise<MadeBy> => {
    try {
      return await ownership.require('response', responseId, caller);
    } catch (error) {
      if (!(error instanceof ProxyError) || error.code !== 'resource_not_found') throw error;
      throw new ProxyError('previous_response_not_found', {
        param: 'previous_response_id',
        message: `Previous response with id '${responseId.slice(0, 200)}' not found.`,
      });
    }
  };

  return {
    authenticate,
    permit,
    run,
    runForm,
    ask: makeAsk({ terms: () => termsOf(inForce()), openAccount, upstream }),
  };
}

/** What of it calls are accounted by. */
export function termsOf({ snapshot, envelope, price }: InForce): AccountingTerms {
  return { price, envelope: snapshot.storesContents ? envelope : undefined };
}

/** One that another proxy's API has just made may be unknown here for some milliseconds more. */
function isUnknownPersona({ personas }: Snapshot, personaId: unknown): boolean {
  return typeof personaId === 'string' && !personas.has(personaId.toLowerCase());
}

/** What of a client's headers is meant for the provider. Everything else, credentials and cookies first, ends here. */
const passedOn = ['accept', 'openai-beta', 'idempotency-key', 'traceparent', 'tracestate'] as const;

export function upstreamHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  const passed: Record<string, string> = { 'user-agent': 'chaperone' };
  for (const name of passedOn) {
    const value = headers[name];
    if (typeof value === 'string') passed[name] = value;
  }
  return passed;
}
