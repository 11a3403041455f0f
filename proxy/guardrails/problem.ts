import { ProxyError } from '../error.ts';
import type { Rule, Side } from './rule.ts';

type Refusing = Pick<Rule, 'name' | 'detector' | 'cannotHold'>;

/** The refusal by a rule. It names the rule and its detector, and never what was found. */
export function problemOf(rule: Refusing, side: Side, hasFailed: boolean): ProxyError {
  const what = side === 'Input' ? 'this call' : 'the answer';
  if (hasFailed) {
    const message = `${sentenceStart(rule)} cannot check ${what}, so it does not pass; try again later`;
    return refusalOf('guardrail_unavailable', rule, side, message);
  }
  const why = rule.cannotHold ? ': it holds answers for a person, which is not possible here' : '';
  const message = `${sentenceStart(rule)} of the organization does not let ${what} pass${why}`;
  return refusalOf('guardrail_blocked', rule, side, message);
}

/** The refusal of an answer that people review first. It is stored: the item tells what becomes of it. */
export function heldOf(rule: Refusing, side: Side, itemId: string): ProxyError {
  const { name, detector } = rule;
  const message = `${sentenceStart(rule)} of the organization holds the answer until a person releases it; GET /api/v1/review/items/${itemId} tells what was decided`;
  return new ProxyError('answer_held', {
    message,
    details: { guardrail: name, detector, item_id: itemId },
    rule: { kind: 'guardrail', name, detector, side },
    headers: { 'x-chaperone-review-item': itemId },
  });
}

/** The refusal of a call whose answer could not be held, since a conversation at the provider would show it. */
export function unheldInConversationOf(rule: Refusing, side: Side): ProxyError {
  const message = `${sentenceStart(rule)} of the organization holds answers for a person, and a conversation at the provider would show them; use previous_response_id in place of conversation`;
  return refusalOf('guardrail_blocked', rule, side, message);
}

/** The refusal of what a rule cannot read. A repetition would be refused, too. */
export function unreadableOf(rule: Refusing, side: Side): ProxyError {
  const what = side === 'Input' ? 'sound and pictures of the caller do' : 'spoken answers do';
  const instead = side === 'Input' ? 'send text' : 'ask for text (output_modalities)';
  const message = `${sentenceStart(rule)} of the organization cannot read sound, so ${what} not pass; ${instead}, or name in its match.operations what it is for`;
  return refusalOf('guardrail_blocked', rule, side, message);
}

/** The refusal of an answer that would be shown before a rule has seen all of it. */
export function unheldOf(rule: Refusing): ProxyError {
  const message = `${sentenceStart(rule)} of the organization must see whole answers, and a session shows them while they come; send the call by POST, or name in its match.operations what it is for`;
  return refusalOf('guardrail_blocked', rule, 'Output', message);
}

function sentenceStart({ name, detector }: Refusing): string {
  return `The guardrail ${JSON.stringify(name)} (${detector})`;
}

function refusalOf(
  code: 'guardrail_blocked' | 'guardrail_unavailable',
  { name, detector }: Refusing,
  side: Side,
  message: string,
): ProxyError {
  return new ProxyError(code, {
    message,
    details: { guardrail: name, detector },
    rule: { kind: 'guardrail', name, detector, side },
  });
}
