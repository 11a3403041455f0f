import { openPart } from '../../../database/contents.ts';
import { EnvelopeError } from '../../../database/envelope.ts';
import type { PendingCall } from '../../../database/pending-calls.ts';
import type { Guardrails } from '../../guardrails/guardrails.ts';
import { holdsAnswers } from '../../guardrails/reviewed.ts';
import { type Body, parseObject } from '../../providers/json.ts';
import type { InForce } from '../context.ts';

/** How long the end of a call waits for what holds it. Later it is settled; its answer is judged when it is asked for. */
const waitMs = 3_600_000;

/**
 * Has guardrails judge a response that has ended in the background, so that people see what is held before anybody asks for
 * it.
 *
 * @returns the guardrails that have found something, by name
 * @throws {ProxyError} `guardrail_unavailable` where it should be judged once more
 */
export function makeHoldAtEnd({
  inForce,
  guardrails,
}: {
  readonly inForce: () => InForce;
  readonly guardrails: Pick<Guardrails, 'check'>;
}): (pending: PendingCall, answer: Body) => Promise<readonly string[]> {
  return async (pending, answer) => {
    const current = inForce();
    const { snapshot, envelope } = current;
    const key = snapshot.keys.get(pending.api_key_id ?? '');
    if (pending.operation !== 'responses' || !key || !holdsAnswers(snapshot.spec.guardrails)) return [];
    const guard = await guardrails.check({
      ...{ requestId: pending.request_id, snapshot, envelope, operation: 'responses' as const, key },
      model: pending.requested_model ?? undefined,
      user: pending.user_external_id ?? undefined,
      ...{ userId: pending.user_id, sessionId: pending.session_id },
      ...{ said: undefined, isRewritable: true, review: 'hold' as const },
      admitted: openInput(current, pending),
      foundBefore: pending.guardrail_hits ?? [],
    });
    await guard?.output?.answer(answer);
    const problem = guard?.output?.problem();
    const isNew = Date.now() - Date.parse(pending.started_at) < waitMs;
    if (problem?.code === 'guardrail_unavailable' && isNew) throw problem;
    return guard?.hits() ?? [];
  };
}

/** Undefined where the input is not kept, or was erased. */
function openInput({ snapshot, envelope }: InForce, pending: PendingCall): Body | undefined {
  if (pending.input_sealed === null) return undefined;
  const place = { organizationId: snapshot.organizationId, requestId: pending.request_id };
  try {
    const input = openPart(envelope, place, 'input', Buffer.from(pending.input_sealed, 'base64'));
    return parseObject(input.toString()) ?? undefined;
  } catch (error) {
    if (error instanceof EnvelopeError) return undefined;
    throw error;
  }
}
