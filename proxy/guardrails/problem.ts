import { ProxyError } from '../error.ts';
import type { Rule, Side } from './rule.ts';

/** The refusal by a rule. It names the rule and its detector, and never what was found. */
export function problemOf(rule: Pick<Rule, 'name' | 'detector'>, side: Side, hasFailed: boolean): ProxyError {
  const { name, detector } = rule;
  const what = side === 'Input' ? 'this call' : 'the answer';
  const details = { guardrail: name, detector };
  if (hasFailed) {
    const message = `The guardrail ${JSON.stringify(name)} (${detector}) cannot check ${what}, so it does not pass; try again later`;
    return new ProxyError('guardrail_unavailable', { message, details });
  }
  const message = `The guardrail ${JSON.stringify(name)} (${detector}) of the organization does not let ${what} pass`;
  return new ProxyError('guardrail_blocked', { message, details });
}
