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
