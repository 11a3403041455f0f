import type { IncomingHttpHeaders } from 'node:http';
import { readCallFields } from '../../crds/read-call-fields.ts';
import { makeSessionId } from '../../database/ids.ts';
import { admitModel, admitPersona } from '../calls/admit/admit.ts';
import type { CallContext } from '../calls/context.ts';
import type { Pipeline } from '../calls/pipeline.ts';
import { ProxyError } from '../error.ts';
import { realtime, realtimeTranscription } from '../operations/realtime.ts';
import { asObject, asString, type Body, parseObject } from '../providers/json.ts';
import { credentialOf, sealSecret } from './client-secret.ts';
import { transcriberOf } from './realtime/state.ts';

/** What is asked of an ephemeral key. */
export interface SecretRequest {
  readonly lifetimeS: number;
  readonly session: Body;
}

const lifetimesS = { least: 10, usual: 600, most: 7_200 };

/** @param body as it came @throws {ProxyError} `invalid_json`, `invalid_request` with the field */
export function readSecretRequest(body: Buffer): SecretRequest {
  const asked = body.length === 0 ? {} : parseObject(body.toString('utf8'));
  if (!asked) throw new ProxyError('invalid_json');
  const expires = asked.expires_after === undefined ? {} : asObject(asked.expires_after);
  if (!expires) throw wrong('expires_after', 'must be an object');
  const { anchor = 'created_at', seconds = lifetimesS.usual } = expires;
  if (anchor !== 'created_at') throw wrong('expires_after.anchor', 'must be created_at');
  const isInRange =
    Number.isInteger(seconds) && Number(seconds) >= lifetimesS.least && Number(seconds) <= lifetimesS.most;
  if (!isInRange)
    throw wrong('expires_after.seconds', `must be an integer from ${lifetimesS.least} to ${lifetimesS.most}`);
  const session = asked.session === undefined ? { type: 'realtime' } : asObject(asked.session);
  if (!session) throw wrong('session', 'must be an object');
  if (session.type !== 'realtime' && session.type !== 'transcription')
    throw wrong('session.type', 'must be realtime or transcription');
  return { lifetimeS: Number(seconds), session };
}

/**
 * Makes an ephemeral key. Whatever its session could not be opened with is refused here, and again when it is opened.
 *
 * @throws {ProxyError} as a session would be refused
 */
export async function makeSecret(
  { open, admit }: Pick<Pipeline, 'open' | 'admit'>,
  context: CallContext,
  headers: IncomingHttpHeaders,
  { lifetimeS, session }: SecretRequest,
): Promise<object> {
  const { caller, inForce } = context;
  const { snapshot, envelope } = inForce;
  const operation = session.type === 'transcription' ? realtimeTranscription : realtime;
  open(context, operation);
  const { persona_id: personaId, ...stated } = session;
  const persona = personaId === undefined ? undefined : admitPersona(snapshot, caller, personaId);
  const named = asString(stated.model) ?? persona?.model;
  if (operation === realtime && named === undefined)
    throw wrong('session.model', 'is required: the id of a model, as GET /v1/models lists them');
  const transcriber = transcriberOf(stated);
  if (transcriber !== undefined) admitModel(snapshot, transcriber);
  const fields = readCallFields(stated);
  const { max_output_tokens: most, ...rest } = stated;
  const body = { ...rest, ...(most !== 'inf' && most !== undefined && { max_output_tokens: most }) };
  const judged = { context, operation, said: stated, isRewritable: true, otherModels: fields.models };
  await admit({
    ...judged,
    references: fields.references,
    body: named === undefined ? body : { ...body, model: named },
  });
  const nowS = Math.floor(Date.now() / 1_000);
  const expiresAtS = nowS + lifetimeS;
  const value = sealSecret(envelope, snapshot, {
    user: caller.user ?? null,
    roles: caller.roles,
    namespace: caller.identity.namespace ?? null,
    sessionId: caller.sessionId,
    expiresAtMs: expiresAtS * 1_000,
    session: named === undefined ? session : { ...session, model: named },
    madeWith: credentialOf(headers, caller),
  });
  const shown = {
    id: makeSessionId(),
    object: `realtime.${operation === realtime ? 'session' : 'transcription_session'}`,
  };
  return {
    value,
    expires_at: expiresAtS,
    session: { ...shown, expires_at: 0, ...session, ...(named !== undefined && { model: named }) },
  };
}

function wrong(param: string, what: string): ProxyError {
  return new ProxyError('invalid_request', { param, message: `${param} ${what}` });
}
