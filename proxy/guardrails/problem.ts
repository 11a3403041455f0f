import { ProxyError } from '../error.ts';
import type { Rule, Side } from './rule.ts';

/** The refusal by a rule. It names the rule and its detector, and never what was found. */
export function problemOf(rule: Pick<Rule, 'name' | 'detector'>, side: Side, hasFailed: boolean): ProxyError {
  const { name, detector } = rule;
  const what = side === 'Input' ? 'this call' : 'the answer';
  const refused = { details: { guardrail: name, detector }, rule: { kind: 'guardrail', name, detector } } as const;
  if (hasFailed) {
    const message = `The guardrail ${JSON.stringify(name)} (${detector}) cannot check ${what}, so it does not pass; try again later`;
    return new ProxyError('guardrail_unavailable', { message, ...refused });
  }
  const message = `The guardrail ${JSON.stringify(name)} (${detector}) of the organization does not let ${what} pass`;
  return new ProxyError('guardrail_blocked', { message, ...refused });
}

/** The refusal of what a rule cannot read. A repetition would be refused, too. */
export function unreadableOf({ name, detector }: Pick<Rule, 'name' | 'detector'>, side: Side): ProxyError {
  const what = side === 'Input' ? 'sound and pictures of the caller do' : 'spoken answers do';
  const instead = side === 'Input' ? 'send text' : 'ask for text (output_modalities)';
  const message = `The guardrail ${JSON.stringify(name)} (${detector}) of the organization cannot read sound, so ${what} not pass; ${instead}, or name in its match.operations what it is for`;
  return refusalOf(name, detector, message);
}

/** The refusal of an answer that would be shown before a rule has seen all of it. */
export function unheldOf({ name, detector }: Pick<Rule, 'name' | 'detector'>): ProxyError {
  const message = `The guardrail ${JSON.stringify(name)} (${detector}) of the organization must see whole answers, and a session shows them while they come; send the call by POST, or name in its match.operations what it is for`;
  return refusalOf(name, detector, message);
}

function refusalOf(name: string, detector: string, message: string): ProxyError {
  return new ProxyError('guardrail_blocked', {
    message,
    details: { guardrail: name, detector },
    rule: { kind: 'guardrail', name, detector },
  });
}
