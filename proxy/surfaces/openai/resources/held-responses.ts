import type { InForce } from '../../../calls/context.ts';
import type { HeldAnswers, HeldState } from '../../../calls/held/held-answers.ts';
import { asInProgress, rejectionOf, withEditedText } from '../../../calls/held/held-response.ts';
import { ProxyError } from '../../../error.ts';
import { holdsAnswers } from '../../../guardrails/reviewed.ts';
import { type Body, parseObject } from '../../../providers/json.ts';
import type { ResourceRoute } from './routes.ts';
import { type StoredRequest, type StoredTexts, showsResponse } from './stored-texts.ts';

/** Stored responses that guardrails may hold until a person releases them. */
export interface HeldResponses {
  /**
   * Judges a stream before any of it is shown, whatever the request looked like that the provider answers with it.
   *
   * @throws {ProxyError} `invalid_request` where the response may be held: a stream would show it
   */
  requireStreamable(route: ResourceRoute, id: string | undefined, request: StoredRequest): Promise<void>;
  /**
   * What the caller gets of a response. Undefined: nothing has held it so far.
   *
   * @throws {ProxyError} `guardrail_blocked` where nobody has released it
   */
  show(route: ResourceRoute, id: string | undefined, whole: Buffer, request: StoredRequest): Promise<Shown | undefined>;
}

export interface Shown {
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

export function makeHeldResponses(
  heldAnswers: Pick<HeldAnswers, 'stateOf'>,
  stored: Pick<StoredTexts, 'guardOf' | 'judge' | 'mayHold'>,
  inForce: () => InForce,
): HeldResponses {
  const stateOf = async (route: ResourceRoute, id: string | undefined, { caller }: StoredRequest) => {
    const { snapshot } = inForce();
    if (id === undefined || !showsResponse(route) || !snapshot.storesContents) return undefined;
    try {
      return await heldAnswers.stateOf(id, caller.userId);
    } catch (error) {
      // Without a rule that holds answers, responses can be had while the database is away.
      if (error instanceof ProxyError && !holdsAnswers(snapshot.spec.guardrails)) return undefined;
      throw error;
    }
  };
  return {
    async requireStreamable(route, id, request) {
      if (!(await stored.mayHold(route, request)) && !(await stateOf(route, id, request))) return;
      const message = 'a guardrail of the organization may hold this response for a person; leave stream out';
      throw new ProxyError('invalid_request', { param: 'stream', message });
    },
    async show(route, id, whole, request) {
      const response = parseObject(whole.toString('utf8'));
      if (!response || !showsResponse(route)) return undefined;
      if (isPending(response)) return (await stored.mayHold(route, request)) ? withoutOutput(response) : undefined;
      const state = await stateOf(route, id, request);
      if (!state) return undefined;
      const headers = { 'x-chaperone-review-item': state.itemId };
      const shown = showAs(state, response);
      const body = shown === response ? whole : Buffer.from(JSON.stringify(shown));
      if (state.outcome !== 'released') return { body, headers };
      const guard = await stored.guardOf(route, request, true);
      return { body: guard ? await stored.judge(guard, body) : body, headers };
    },
  };
}

function isPending({ status }: Body): boolean {
  return status === 'queued' || status === 'in_progress';
}

/** What has come of the answer so far may be held at its end. */
function withoutOutput(response: Body): Shown {
  return { body: Buffer.from(JSON.stringify({ ...response, output: [] })), headers: {} };
}

/** @throws {ProxyError} where nobody has released it */
function showAs(state: HeldState, response: Body): Body {
  if (state.outcome === 'waiting') return asInProgress(response);
  if (state.outcome === 'rejected') throw rejectionOf(state, state.isExpired);
  return state.text === undefined ? response : withEditedText(response, state.text);
}
