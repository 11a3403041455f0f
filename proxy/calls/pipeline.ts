import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { readCallFields } from '../../crds/read-call-fields.ts';
import type { ProxyError } from '../error.ts';
import type { InFlight } from '../in-flight.ts';
import type { Operation } from '../operations/operation.ts';
import type { Exchange } from '../providers/exchange.ts';
import type { Body } from '../providers/json.ts';
import { formatOf, type ProviderTable } from '../providers/table.ts';
import type { WireFormat } from '../providers/wire-format.ts';
import type { Persona, RoutedKey, Snapshot } from '../snapshot/snapshot.ts';
import type { Admission, Admitted } from './admit/admission.ts';
import { admitFormModels, admitPersona } from './admit/admit.ts';
import { applyPersona, makeUpstreamBody, type ReadBody, readBody, type UpstreamBody } from './admit/body.ts';
import { inResponseFormat } from './admit/response-format.ts';
import { makeUsageRefusals, refusesUsageOption } from './admit/usage-option.ts';
import { type Attempt, type Forwarding, forward } from './answer/forward.ts';
import { makeAsk } from './ask.ts';
import type { Call, Caller, Identity } from './call.ts';
import { type CallContext, type Identified, type InForce, termsOf } from './context.ts';
import { scopeIdempotencyKey } from './idempotency-key.ts';
import type { Identify } from './identify/identify.ts';
import { withInferredSession } from './identify/session.ts';
import { requireSingleHeaders } from './identify/single-headers.ts';
import { openForm } from './receive/form.ts';
import type { StallWatch } from './receive/stall-watch.ts';
import type { Reserve } from './reserve/reserve.ts';
import { refuseFormReferences } from './resources/references.ts';
import type { Metrics } from './settle/metrics.ts';
import type { Settlement } from './settle/settlement.ts';

export interface PipelineOptions {
  /** @throws {ProxyError} where no configuration is in force */
  readonly inForce: () => InForce;
  readonly identify: Identify;
  readonly settlement: Settlement;
  /** Resolves when the database's newest configuration is in force here. */
  readonly catchUp: () => Promise<void>;
  readonly admission: Admission;
  readonly reserve: Reserve;
  readonly exchange: Exchange;
  readonly providers: ProviderTable;
  readonly metrics: Metrics;
  readonly drainMs: number;
  readonly stalls: StallWatch;
  readonly inFlight: InFlight;
}

/** An HTTP request for a governed operation, from a surface. */
export interface OpenRequest {
  readonly context: CallContext;
  readonly operation: Operation;
  readonly headers: IncomingHttpHeaders;
  readonly response: ServerResponse;
  /** A function, since the session may be known only after the body. */
  readonly responseHeaders: (caller: Caller) => Readonly<Record<string, string>>;
  readonly refuse: (error: ProxyError, caller: Caller) => void;
}

export interface CallRequest extends OpenRequest {
  readonly rawBody: Buffer;
}

/** A request whose body is an unread form. */
export interface FormRequest extends OpenRequest {
  readonly request: IncomingMessage;
}

/** The input of the decision whether a call may be made. */
export type Permission = Pick<CallRequest, 'context' | 'operation' | 'rawBody'>;

export type Pipeline = ReturnType<typeof makePipeline>;

/** The path of a call: identify, admit, reserve, answer, settle. */
export function makePipeline(options: PipelineOptions) {
  const {
    inForce,
    identify,
    settlement,
    catchUp,
    admission,
    reserve,
    exchange,
    providers,
    metrics,
    drainMs,
    stalls,
    inFlight,
  } = options;

  const usageRefusals = makeUsageRefusals();

  /** Finds the caller. Only here does a call take the configuration in force. */
  const authenticate = (request: Pick<IncomingMessage, 'headers' | 'rawHeaders'>): Identified | Promise<Identified> => {
    requireSingleHeaders(request.rawHeaders);
    const { headers } = request;
    const current = inForce();
    const { authenticator, snapshot } = current;
    const toIdentified = (identity: Identity) => ({
      caller: identify(identity, headers, snapshot),
      inForce: current,
    });
    const identity = authenticator.authenticate(headers, snapshot);
    return identity instanceof Promise ? identity.then(toIdentified) : toIdentified(identity);
  };

  /**
   * Makes all decisions about a body before anything goes upstream.
   *
   * @throws {ProxyError} where the call may not be made
   */
  const permit = ({ context, operation, rawBody }: Permission) => {
    admission.open(context, operation);
    const asked = readBody(rawBody, context.share);
    if (!isUnknownPersona(context.inForce.snapshot, asked.body.persona_id)) {
      return judge(context, operation, rawBody, asked);
    }
    // Another proxy's API may have just made the persona. The call then goes on with the newer configuration.
    return catchUp()
      .catch(() => {})
      .then(() => judge({ ...context, inForce: inForce() }, operation, rawBody, asked));
  };

  const judge = (context: CallContext, operation: Operation, rawBody: Buffer, asked: ReadBody) => {
    const { persona_id: personaId } = asked.body;
    const persona = personaId == null ? undefined : admitPersona(context.inForce.snapshot, context.caller, personaId);
    // Apply the persona first, so that the checks see the body that goes upstream.
    const body = persona ? applyPersona(asked, operation, persona) : asked.body;
    const { references, models: otherModels } = persona ? readCallFields(body) : asked.fields;
    const finish = ({ model, madeBy, key }: Admitted): Permitted => {
      const format = formatOf(providers, key.provider, operation.name);
      const mayAskForUsage = body.stream !== true || !usageRefusals.has(key.provider, model);
      const sent = makeUpstreamBody(rawBody, asked, body, operation, format, persona, mayAskForUsage);
      const caller = withInferredSession(
        context.caller,
        { references, predecessor: madeBy?.predecessor, body },
        context.inForce.snapshot.sessionSources,
      );
      return {
        context: caller === context.caller ? context : { ...context, caller },
        asked,
        body,
        persona,
        model,
        key,
        format,
        sent,
      };
    };
    const admitted = admission.admit({ context, operation, body, otherModels, references });
    return admitted instanceof Promise ? admitted.then(finish) : finish(admitted);
  };

  const run = (request: CallRequest): Promise<void> => {
    const operation = inResponseFormat(request.operation, request.headers, request.context.inForce.snapshot);
    const permitted = permit(request);
    if (permitted instanceof Promise) return permitted.then((known) => send(request, operation, known));
    return send(request, operation, permitted);
  };

  const send = (request: CallRequest, operation: Operation, permitted: Permitted): Promise<void> => {
    const { rawBody } = request;
    const { context, asked, body, persona, model, key, format, sent } = permitted;
    const headers = upstreamHeaders(request.headers, context.inForce.snapshot, context.caller);
    headers['content-type'] = 'application/json';
    const previousResponseId = typeof body.previous_response_id === 'string' ? body.previous_response_id : undefined;
    const call: Call = {
      kind: 'call',
      requestId: context.requestId,
      startedAtMs: context.startedAtMs,
      startedTicks: context.startedTicks,
      operation: operation.name,
      caller: context.caller,
      input: () => rawBody,
      body,
      isStream: () => body.stream === true,
      requestedModel: model,
      persona,
      previousResponseId,
      key,
    };
    const another = (status: number, text: string): Attempt | undefined => {
      if (!refusesUsageOption(status, text)) return undefined;
      const plain = makeUpstreamBody(rawBody, asked, body, operation, format, persona, false);
      return { ...plain, onTaken: () => usageRefusals.add(key.provider, model) };
    };
    return answer({ ...request, context }, operation, call, headers, sent, sent.hideUsage ? another : undefined);
  };

  /** The same path for a form, which goes upstream while it arrives. */
  const runForm = async (request: FormRequest): Promise<void> => {
    const { context, operation } = request;
    const { snapshot } = context.inForce;
    admission.open(context, operation);
    const headers = upstreamHeaders(request.headers, snapshot, context.caller);
    const form = await openForm(request.request, context.share, stalls, ({ fields }) => {
      admitFormModels(snapshot, fields);
      refuseFormReferences(fields);
    });
    try {
      const { fields, files } = form.content;
      const { model, key } = await admission.admit({
        context,
        operation,
        body: fields,
        otherModels: [],
        references: [],
      });
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
        persona: undefined,
        previousResponseId: undefined,
        key,
      };
      const attempt = { body: form.bytes(), hideUsage: false };
      await answer(request, operation, call, { ...headers, ...form.headers }, attempt, undefined);
    } finally {
      form.close();
    }
  };

  /** The steps after admission: intent, provider, client, settlement. */
  const answer = (
    { context, response, responseHeaders, refuse }: OpenRequest,
    operation: Operation,
    call: Call,
    headers: Readonly<Record<string, string>>,
    attempt: Attempt,
    another: Forwarding['another'],
  ): Promise<void> => {
    const { caller, inForce: current, share } = context;
    const account = settlement.open(call, termsOf(current), reserve(context));
    metrics.overhead.observe((performance.now() - context.startedTicks) / 1_000);
    return forward(exchange, {
      call,
      operation,
      format: formatOf(providers, call.key.provider, operation.name),
      account,
      attempt,
      another,
      keepOutput: current.snapshot.storesContents,
      headers,
      response,
      responseHeaders: responseHeaders(caller),
      refuse: (error) => refuse(error, caller),
      share,
      drainMs,
    });
  };

  return {
    authenticate,
    permit,
    admit: admission.admit,
    reserve,
    run,
    runForm,
    ask: makeAsk({ settlement, reserve, exchange, providers, inFlight }),
  };
}

/** An admitted call, with the body that goes upstream. */
interface Permitted {
  /** With the session from the body. */
  readonly context: CallContext;
  readonly asked: ReadBody;
  readonly body: Body;
  readonly persona: Persona | undefined;
  readonly model: string | undefined;
  readonly key: RoutedKey;
  /** How its provider is asked. */
  readonly format: WireFormat;
  readonly sent: UpstreamBody;
}

/** A persona that another proxy's API has just made may be unknown here for some milliseconds. */
function isUnknownPersona({ personas }: Snapshot, personaId: unknown): boolean {
  return typeof personaId === 'string' && !personas.has(personaId.toLowerCase());
}

/** The client's headers that go to the provider. All others end here, above all credentials and cookies. */
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
