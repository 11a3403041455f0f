import type { HeldAnswers } from './calls/held/held-answers.ts';
import type { GovernanceContext } from './governance/context.ts';

/** Loads what holds answers when the first one is held or asked for. */
export function lazyHeldAnswers(context: Pick<GovernanceContext, 'inForce' | 'store'>): HeldAnswers {
  let made: Promise<HeldAnswers> | undefined;
  const load = () => {
    made ??= import('./governance/insights/review/hold.ts').then(({ makeHeldAnswers }) => makeHeldAnswers(context));
    return made;
  };
  return {
    hold: async (held) => (await load()).hold(held),
    stateOf: async (responseId, userId) => (await load()).stateOf(responseId, userId),
  };
}
