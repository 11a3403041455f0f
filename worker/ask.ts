import { openContents } from '../database/contents.ts';
import { EnvelopeError } from '../database/envelope.ts';
import { makeRequestId, nobody, randomHex, requestStartedAtMs, userIdOf } from '../database/ids.ts';
import { keepJobIntent } from '../database/job-intents.ts';
import { findSettledJobCall, insertJobCall, listJobCalls, type SettledJobCall } from '../database/jobs.ts';
import { insertQuotingCall } from '../database/quoting-calls.ts';
import type { Caller } from '../proxy/calls/call.ts';
import type { CallContext } from '../proxy/calls/context.ts';
import { ProxyError } from '../proxy/error.ts';
import type { InFlight } from '../proxy/in-flight.ts';
import { chat } from '../proxy/operations/chat.ts';
import { parseObject } from '../proxy/providers/json.ts';
import type { WorkerOrganization } from './organizations.ts';
import type { TaskQuestion, TaskReply } from './task.ts';

export interface AskOptions {
  readonly organization: WorkerOrganization;
  readonly jobId: string;
  readonly workerId: string;
  readonly inFlight: InFlight;
  readonly signal: AbortSignal;
  /** The header `traceparent` of the calls. Absent: the job is not recorded. */
  readonly traceParent?: string | undefined;
}

/**
 * Makes the function with which a job asks a provider. A job that is repeated does not repeat what it has paid for: each
 * call is noted before it is made, and its answer is in its record.
 */
export function makeTaskAsk(options: AskOptions): (question: TaskQuestion) => Promise<TaskReply> {
  const { organization, jobId, signal } = options;
  return async (question) => {
    const { step } = question;
    signal.throwIfAborted();
    const begun = await organization.store.run((db) => listJobCalls(db, organization.id, { jobId, step }));
    for (const { requestId } of begun) {
      const reply = await findReply(organization, requestId);
      if (reply) return reply;
    }
    const requestId = makeRequestId(Date.now());
    const call = { jobId, step, number: (begun[0]?.number ?? -1) + 1, requestId };
    const { quotes: userId } = question;
    await organization.store.run(async (db) => {
      if (userId !== undefined) await insertQuotingCall(db, organization.id, { requestId, userId });
      await insertJobCall(db, organization.id, call);
    });
    signal.throwIfAborted();
    return { ...(await askAnew(options, question, requestId)), requestId, isRepeated: false };
  };
}

async function askAnew(
  { organization, jobId, workerId, inFlight, traceParent }: AskOptions,
  question: TaskQuestion,
  requestId: string,
) {
  const { pipeline } = organization;
  const { kind, operation = chat, body, said, onText } = question;
  const inForce = organization.inForce();
  const share = inFlight.open();
  const context: CallContext = {
    requestId,
    inForce,
    caller: callerOf(organization, question),
    startedAtMs: requestStartedAtMs(requestId) ?? Date.now(),
    startedTicks: performance.now(),
    share,
    traceParent,
  };
  try {
    const { key, model, terms } = await pipeline.admit({
      context,
      operation,
      body: { ...body },
      // `ask` has guardrails check what is said.
      said: {},
      isRewritable: true,
      otherModels: [],
      references: [],
    });
    return await pipeline.ask({
      ...{ kind, operation, context, key, terms, said, onText },
      body: { ...body, model: model ?? body.model },
      keepIntent: (record) =>
        organization.store.run((db) => keepJobIntent(db, organization.id, { jobId, workerId, record })),
    });
  } finally {
    share.release();
  }
}

/** The caller in whose name a task asks: without a credential, and so with the organization's default roles. */
function callerOf(organization: WorkerOrganization, { user, session, turn }: TaskQuestion): Caller {
  const { snapshot } = organization.inForce();
  const userId = user === undefined ? nobody : userIdOf(organization.id, user);
  if (snapshot.inactiveUsers.has(userId)) throw new ProxyError('user_inactive', { param: 'user' });
  return {
    identity: { user, roles: [] },
    roles: snapshot.defaultRoles,
    user,
    userId,
    sessionId: session ?? `sess_${randomHex(12)}`,
    ...(session !== undefined && { sessionFrom: 'session' }),
    turnId: turn,
  };
}

/** The answer to a call of an earlier attempt. Undefined where there is none, or the organization keeps no contents. */
async function findReply(organization: WorkerOrganization, requestId: string): Promise<TaskReply | undefined> {
  const call = await findSettled(organization, requestId);
  if (call?.status !== 'completed' || !call.sealed) return undefined;
  try {
    const place = { organizationId: organization.id, requestId };
    const { output } = openContents(organization.inForce().envelope, place, call.sealed);
    const completion = output && parseObject(output.toString());
    const { totalTokens, costUsd } = call;
    return completion ? { completion, totalTokens, costUsd, requestId, isRepeated: true } : undefined;
  } catch (error) {
    if (error instanceof EnvelopeError) return undefined;
    throw error;
  }
}

/** From the spool where the record waits there, else from the database. */
async function findSettled(
  { id, spool, store }: WorkerOrganization,
  requestId: string,
): Promise<SettledJobCall | undefined> {
  const waiting = spool.findWaiting(requestId);
  if (waiting) {
    const { record, sealed } = waiting;
    const { status, total_tokens: totalTokens, cost_usd: costUsd } = record;
    return { status, totalTokens, costUsd, sealed: sealed.length > 0 ? sealed : null };
  }
  return store.run((db) => findSettledJobCall(db, id, requestId, requestStartedAtMs(requestId) ?? 0));
}
