import type { IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { admitPersona } from '../../calls/admit/admit.ts';
import type { Identified } from '../../calls/context.ts';
import { type Failure, failureOfAnswer, failureOfProblem } from '../../calls/route/failure.ts';
import { makeFallback } from '../../calls/route/make-fallback.ts';
import { sentModel } from '../../calls/route/sent-model.ts';
import { traceHeaders } from '../../calls/upstream-headers.ts';
import { ProxyError } from '../../error.ts';
import { realtime, realtimeOpening, realtimeTranscription } from '../../operations/realtime.ts';
import { asString, type Body, parseObject } from '../../providers/json.ts';
import { readRealtimeResponse } from '../../providers/openai/realtime.ts';
import { formatOf } from '../../providers/table.ts';
import type { RoutedKey } from '../../snapshot/snapshot.ts';
import { type Dialled, dial, UpgradeRefused } from '../dial.ts';
import type { SessionCaller } from '../find-caller.ts';
import { contextOf } from '../governed-response.ts';
import type { OpenContext, Ready } from '../session.ts';
import { RealtimeSession } from './session.ts';

/** What the address of a session says. */
interface Address {
  readonly model: string | undefined;
  readonly isTranscription: boolean;
  readonly personaId: string | undefined;
}

/**
 * Admits a session of the Realtime API, and opens the one with the provider.
 *
 * @throws {ProxyError} where the session may not be opened; {UpgradeRefused} where the provider does not open it
 */
export async function openRealtime(
  context: OpenContext,
  { url = '', headers }: Pick<IncomingMessage, 'url' | 'headers'>,
  { secret }: SessionCaller,
  first: Identified,
): Promise<Ready> {
  const { pipeline, inFlight } = context;
  const configuration: Body = secret?.session ?? {};
  const { model: asked, isTranscription, personaId } = readAddress(url, configuration);
  const operation = isTranscription ? realtimeTranscription : realtime;
  const share = inFlight.open();
  try {
    const inCall = contextOf(first, share, undefined);
    pipeline.open(inCall, operation);
    const { snapshot } = first.inForce;
    const persona = personaId === undefined ? undefined : admitPersona(snapshot, first.caller, personaId);
    const named = asked ?? persona?.model;
    const body: Body = named === undefined ? {} : { model: named };
    const admitted = await pipeline.admit({
      ...{ context: inCall, operation, body, said: {}, isRewritable: true, otherModels: [], references: [] },
    });
    const { model, terms } = admitted;
    const { connection, key, providerModel } = await dialAny(context, first, { model, key: admitted.key, headers });
    const { persona_id: _, ...own } = configuration;
    return {
      giveUp: () => connection.socket.terminate(),
      begin: (opened) =>
        new RealtimeSession(context, opened, connection, {
          ...{ key, model, modelAlias: terms?.alias, providerModel, personaId, configuration: own },
          traceParent: typeof headers.traceparent === 'string' ? headers.traceparent : undefined,
        }),
    };
  } finally {
    share.release();
  }
}

interface Wanted {
  readonly model: string | undefined;
  readonly key: RoutedKey;
  readonly headers: IncomingMessage['headers'];
}

/** Asks the keys of the caller in turn, by the Organization's rules, until one opens a session. */
async function dialAny(
  { providers, health, inFlight, entraTokens, agentFor, limits }: OpenContext,
  identified: Identified,
  wanted: Wanted,
): Promise<{ connection: Dialled; key: RoutedKey; providerModel: string | undefined }> {
  const inCall = contextOf(identified, inFlight.open(), undefined);
  const { model } = wanted;
  const fallback = makeFallback(providers, {
    ...{ context: inCall, operation: realtimeOpening, body: {}, model, madeBy: undefined, isIdempotent: false, health },
  });
  for (let { key } = wanted; ; ) {
    const { path } = formatOf(providers, key.provider, realtime.name);
    const providerModel = sentModel(key, model);
    const query = providerModel === undefined ? 'intent=transcription' : `model=${encodeURIComponent(providerModel)}`;
    try {
      const connection = await dial(
        { providers, entraTokens, agentFor },
        {
          ...{ key, path: `${path}?${query}`, model: providerModel, maxMessageBytes: limits.messageBytes },
          headers: { ...providerHeaders(wanted.headers), ...traceHeaders(wanted.headers, key.provider) },
        },
      );
      health.succeeded(key);
      return { connection, key, providerModel };
    } catch (error) {
      const failure = failureOf(error);
      const next = failure && fallback.next(key, failure);
      if (!next) throw error;
      await delay(next.delayMs);
      key = next.key;
    }
  }
}

/** @throws {ProxyError} `invalid_request` */
function readAddress(url: string, configuration: Body): Address {
  const { searchParams: query } = new URL(url, 'http://proxy');
  const wrong = (param: string, message: string) => new ProxyError('invalid_request', { param, message });
  if (query.has('call_id')) throw wrong('call_id', 'call_id is not served: calls by WebRTC and SIP do not pass here');
  for (const name of ['model', 'intent', 'persona_id'])
    if (query.getAll(name).length > 1) throw wrong(name, `${name} must stand only once`);
  const isTranscription = query.get('intent') === 'transcription' || configuration.type === 'transcription';
  const bound = asString(configuration.model) ?? undefined;
  const stated = query.get('model') ?? undefined;
  if (bound !== undefined && stated !== undefined && stated !== bound)
    throw wrong('model', `the ephemeral key is for the model ${JSON.stringify(bound.slice(0, 200))}`);
  const ofKey = asString(configuration.persona_id) ?? undefined;
  const personaId = query.get('persona_id') ?? undefined;
  if (ofKey !== undefined && personaId !== undefined && personaId !== ofKey)
    throw wrong('persona_id', 'the ephemeral key is for another persona');
  return { model: isTranscription ? undefined : (bound ?? stated), isTranscription, personaId: ofKey ?? personaId };
}

/** The client's headers that go to the provider. */
const passedOn = ['openai-beta', 'openai-safety-identifier'];

function providerHeaders(headers: IncomingMessage['headers']): Record<string, string> {
  const passed: Record<string, string> = { 'user-agent': 'chaperone' };
  for (const name of passedOn) {
    const value = headers[name];
    if (typeof value === 'string') passed[name] = value;
  }
  return passed;
}

/** Undefined: the failure says nothing about other keys. */
function failureOf(error: unknown): Failure | undefined {
  if (error instanceof UpgradeRefused) {
    const { status, headers, body } = error;
    const retryAfter = headers['retry-after'];
    const told = retryAfter === undefined ? {} : { 'retry-after': retryAfter };
    const failure = failureOfAnswer(status, told, parseObject(body), readRealtimeResponse(null), body);
    // Whatever it says, it has no such session, and another provider may.
    return failure.kind === 'request_refused' ? { ...failure, kind: 'not_offered' } : failure;
  }
  return error instanceof ProxyError ? failureOfProblem(error, true, null) : undefined;
}
