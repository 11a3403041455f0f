import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { type Reference, readCallFields } from '../../crds/read-call-fields.ts';
import type { Envelope } from '../../database/envelope.ts';
import { ProxyError } from '../error.ts';
import type { InFlight, Share } from '../in-flight.ts';
import type { Operation } from '../operations/operation.ts';
import type { Price } from '../prices/price.ts';
import type { Exchange } from '../providers/exchange.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import { admitAnyModel, admitFormModels, admitModel, admitPersona, admitSurface } from './admit/admit.ts';
import { admitLines } from './admit/batch-lines.ts';
import { applyPersona, checkBody, makeUpstreamBody, readBody } from './admit/body.ts';
import type { OwnChecks } from './admit/own-checks.ts';
import { inResponseFormat } from './admit/response-format.ts';
import { makeUsageRefusals, refusesUsageOption } from './admit/usage-option.ts';
import { forward } from './answer/forward.ts';
import { makeAsk } from './ask.ts';
import type { Call, Caller } from './call.ts';
import { scopeIdempotencyKey } from './idempotency-key.ts';
import type { Authenticator } from './identify/authenticate.ts';
import type { Identify } from './identify/identify.ts';
import { withInferredSession } from './identify/session.ts';
import { requireSingleHeaders } from './identify/single-headers.ts';
import { openForm } from './receive/form.ts';
import type { StallWatch } from './receive/stall-watch.ts';
import type { MadeByAll, Ownership } from './resources/ownership.ts';
import { refuseFormReferences } from './resources/references.ts';
import { routeKey } from './route.ts';
import type { AccountingTerms } from './settle/account.ts';
import type { Metrics } from './settle/metrics.ts';
import type { Settlement } from './settle/settlement.ts';

const ownChecks: OwnChecks = { batches: admitLines };

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
  readonly settlement: Settlement;
  /** Resolves when the database's newest configuration is in force. */
  readonly catchUp: () => Promise<void>;
  readonly ownership: Ownership;
  readonly exchange: Exchange;
  readonly metrics: Metrics;
  readonly drainMs: number;
  readonly stalls: StallWatch;
  readonly inFlight: InFlight;
}

/** An HTTP request for a governed operation, as a surface hands it over. */
export interface OpenRequest {
  readonly operation: Operation;
  readonly requestId: string;
  readonly startedAtMs: number;
  readonly startedTicks: number;
  readonly caller: Caller;
  readonly headers: IncomingHttpHeaders;
  /** What the call holds of memory. */
  readonly share: Share;
  readonly response: ServerResponse;
  /** The caller's session may be known only when the body is. */
  readonly responseHeaders: (caller: Caller) => Readonly<Record<string, string>>;
  readonly refuse: (error: ProxyError, caller: Caller) => void;
}

export interface CallRequest extends OpenRequest {
  readonly rawBody: Buffer;
}

/** A request whose body is a form, of which nothing has been read yet. */
export interface FormRequest extends OpenRequest {
  readonly request: IncomingMessage;
}

/** What it takes to say whether a call may be made. */
export type Permission = Pick<CallRequest, 'operation' | 'caller' | 'rawBody' | 'startedAtMs' | 'share'>;

export type Pipeline = ReturnType<typeof makePipeline>;

/** The way of a call: authenticate, admit, route, forward (observing), account. */
export function makePipeline(options: PipelineOptions) {
  const { inForce, identify, settlement, catchUp, ownership, exchange, metrics, drainMs, stalls, inFlight } = options;

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
  const permit = async ({ operation, caller, rawBody, startedAtMs, share }: Permission) => {
    admitSurface(inForce().snapshot, operation.surface);
    const asked = readBody(rawBody, share);
    const { persona_id: personaId } = asked.body;
    if (isUnknownPersona(inForce().snapshot, personaId)) await catchUp().catch(() => {});
    const current = inForce();
    const { snapshot } = current;
    const persona = personaId == null ? undefined : admitPersona(snapshot, caller, personaId);
    // The persona comes first: what is judged is what goes upstream.
    const body = persona ? applyPersona(asked, operation, persona) : asked.body;
    const { references, models } = persona ? readCallFields(body) : asked.fields;
    const model = checkBody(body, operation);
    if (model !== undefined) admitModel(snapshot, model);
    for (const other of models) admitModel(snapshot, other);
    const madeBy = references.length === 0 ? undefined : await requireOwn(references, caller);
    const key = routeKey(snapshot, caller, model, madeBy, startedAtMs);
    const ownCheck = ownChecks[operation.name];
    if (ownCheck) await ownCheck({ body, caller, snapshot, key, share }, { ownership, exchange });
    else if (model === undefined) admitAnyModel(snapshot, key);
    const previousResponseId = typeof body.previous_response_id === 'string' ? body.previous_response_id : undefined;
    const mayAskForUsage = body.stream !== true || !usageRefusals.has(key.provider, model);
    const sent = makeUpstreamBody(rawBody, asked, body, operation, persona, mayAskForUsage);
    const clues = { references, predecessor: madeBy?.predecessor, body };
    return { current, asked, body, persona, model, previousResponseId, key, sent, clues };
  };

  const run = async (request: CallRequest): Promise<void> => {
    const { rawBody } = request;
    const operation = inResponseFormat(request.operation, request.headers, inForce().snapshot);
    const permitted = await permit(request);
    const { current, asked, body, persona, model, previousResponseId, key, sent, clues } = permitted;
    const caller = withInferredSession(request.caller, clues, current.snapshot.sessionSources);
    const headers = upstreamHeaders(request.headers, current.snapshot, caller);
    headers['content-type'] = 'application/json';
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
    const account = settlement.open(call, termsOf(current));
    metrics.overhead.observe((performance.now() - request.startedTicks) / 1_000);
    await forward(exchange, {
      call,
      operation,
      account,
      attempt: sent,
      another: sent.hideUsage
        ? (status, text) => {
            if (!refusesUsageOption(status, text)) return undefined;
            const plain = makeUpstreamBody(rawBody, asked, body, operation, persona, false);
            return { ...plain, onTaken: () => usageRefusals.add(key.provider, model) };
          }
        : undefined,
      keepOutput: current.snapshot.storesContents,
      headers,
      response: request.response,
      responseHeaders: request.responseHeaders(caller),
      refuse: (error) => request.refuse(error, caller),
      share: request.share,
      drainMs,
    });
  };

  /** The same way for a form, which goes upstream while it still comes. */
  const runForm = async (request: FormRequest): Promise<void> => {
    const { operation, caller } = request;
    const current = inForce();
    const { snapshot } = current;
    admitSurface(snapshot, operation.surface);
    const headers = upstreamHeaders(request.headers, snapshot, caller);
    const form = await openForm(request.request, request.share, stalls, ({ fields }) => {
      admitFormModels(snapshot, fields);
      refuseFormReferences(fields);
    });
    try {
      const { fields, files } = form.content;
      const model = checkBody(fields, operation);
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
      const account = settlement.open(call, termsOf(current));
      await forward(exchange, {
        call,
        operation,
        account,
        attempt: { body: form.bytes(), hideUsage: false },
        keepOutput: snapshot.storesContents,
        headers: { ...headers, ...form.headers },
        response: request.response,
        responseHeaders: request.responseHeaders(caller),
        refuse: (error) => request.refuse(error, caller),
        share: request.share,
        drainMs,
      });
    } finally {
      form.close();
    }
  };

  /** A predecessor of another user's, or of someone else's who shares the key, is answered like one that does not exist. */
  const requireOwn = async (references: readonly Reference[], caller: Caller): Promise<MadeByAll | undefined> => {
    try {
      return await ownership.requireAll(references, caller);
    } catch (error) {
      const param = 'previous_response_id';
      if (!(error instanceof ProxyError && error.code === 'resource_not_found' && error.param === param)) throw error;
      const { id = '' } = references.find((reference) => reference.param === param) ?? {};
      const message = `Previous response with id '${id.slice(0, 200)}' not found.`;
      throw new ProxyError('previous_response_not_found', { param, message });
    }
  };

  return {
    authenticate,
    permit,
    run,
    runForm,
    ask: makeAsk({ terms: () => termsOf(inForce()), settlement, exchange, inFlight }),
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
const passedOn = ['accept', 'openai-beta', 'traceparent', 'tracestate'] as const;

/** @throws {ProxyError} `invalid_header` */
export function upstreamHeaders(
  headers: IncomingHttpHeaders,
  { organizationId }: Pick<Snapshot, 'organizationId'>,
  { userId }: Pick<Caller, 'userId'>,
): Record<string, string> {
  const passed: Record<string, string> = { 'user-agent': 'chaperone' };
  for (const name of passedOn) {
    const value = headers[name];
    if (typeof value === 'string') passed[name] = value;
  }
  const key = headers['idempotency-key'];
  if (typeof key === 'string') passed['idempotency-key'] = scopeIdempotencyKey(key, organizationId, userId);
  return passed;
}
