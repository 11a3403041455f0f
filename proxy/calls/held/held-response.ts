import { ProxyError } from '../../error.ts';
import { heldOf } from '../../guardrails/problem.ts';
import { asArray, asObject, type Body } from '../../providers/json.ts';
import type { HeldState } from './held-answers.ts';

/** How a held response looks to who asks for it: as one that is not ready yet. */
export function asInProgress(response: Body): Body {
  const { output_text: _, ...rest } = response;
  return {
    ...rest,
    status: 'in_progress',
    output: [],
    usage: null,
    completed_at: null,
    error: null,
    incomplete_details: null,
  };
}

/** The refusal of a response that nobody has released. It names the rule, and never the text. */
export function rejectionOf({ itemId, rule }: HeldState, isExpired: boolean): ProxyError {
  const { name, detector } = rule;
  const why = isExpired ? 'nobody has released it in time' : 'a person has rejected it';
  return new ProxyError('guardrail_blocked', {
    message: `The guardrail ${JSON.stringify(name)} (${detector}) of the organization held the answer, and ${why}`,
    details: { guardrail: name, detector, item_id: itemId },
    rule: { kind: 'guardrail', name, detector, side: 'Output' },
    headers: { 'x-chaperone-review-item': itemId },
  });
}

/** Why a call may not continue a response. Undefined: it may, since the caller has the response as the provider has it. */
export function whyNotContinued(state: HeldState): ProxyError | undefined {
  const { itemId, rule } = state;
  if (state.outcome === 'waiting') return heldOf(rule, 'Output', itemId);
  if (state.outcome === 'rejected') return rejectionOf(state, state.isExpired);
  if (state.text === undefined) return undefined;
  return new ProxyError('answer_held', {
    message:
      'A reviewer has edited this response, and the provider has it as it was before; send the edited text as input instead',
    details: { guardrail: rule.name, detector: rule.detector, item_id: itemId },
  });
}

/** A response with the text of a reviewer in place of its own. Calls of tools stay as they are. */
export function withEditedText(response: Body, text: string): Body {
  let isPlaced = false;
  const output = asArray(response.output).flatMap((value) => {
    const item = asObject(value);
    if (item?.type === 'reasoning') return [];
    if (item?.type !== 'message') return [value];
    if (isPlaced) return [];
    isPlaced = true;
    return [{ ...item, content: [{ type: 'output_text', text, annotations: [], logprobs: [] }] }];
  });
  const added = { type: 'message', id: `msg_${String(response.id)}`, role: 'assistant', status: 'completed' };
  const content = [{ type: 'output_text', text, annotations: [], logprobs: [] }];
  return {
    ...response,
    output: isPlaced ? output : [...output, { ...added, content }],
    ...('output_text' in response && { output_text: text }),
  };
}
