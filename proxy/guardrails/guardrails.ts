import type { Snapshot } from '../snapshot/snapshot.ts';
import type { CallGuard, GuardedCall, GuardrailsOptions, ReadyRules } from './call-guard.ts';
import type { RuleSpec } from './rule.ts';

/** The guardrails of an organization. An organization without any loads nothing for them. */
export interface Guardrails {
  /** Loads what the rules need, so that no call waits for it. */
  prepare(snapshot: Snapshot): void;
  /**
   * Checks what a caller says.
   *
   * @returns undefined where no rule is for the call; a promise only where a service is to be waited for
   * @throws {ProxyError} `guardrail_blocked`, or `guardrail_unavailable` where a rule cannot do its work
   */
  check(call: GuardedCall): CallGuard | undefined | Promise<CallGuard | undefined>;
  close(): Promise<void>;
}

export function makeGuardrails(options: GuardrailsOptions): Guardrails {
  const known = new WeakMap<readonly RuleSpec[], ReadyRules | Promise<ReadyRules>>();
  let newest: Promise<ReadyRules> | undefined;

  const load = (specs: readonly RuleSpec[]): Promise<ReadyRules> => {
    const former = newest;
    const ready = import('./ready-rules.ts')
      .then(({ readyRules }) => readyRules(specs, options))
      .then((rules) => {
        known.set(specs, rules);
        return rules;
      });
    // The calls that are under way keep the rules of the former configuration for a while.
    if (former) setTimeout(() => void closeRules(former), 60_000).unref();
    newest = ready;
    known.set(specs, ready);
    return ready;
  };

  return {
    prepare({ spec }) {
      // A call that needs the rules gets the error.
      if (spec.guardrails?.length && !known.has(spec.guardrails)) load(spec.guardrails).catch(() => {});
    },
    check(call) {
      const { guardrails } = call.snapshot.spec;
      if (guardrails === undefined || guardrails.length === 0) return undefined;
      const rules = known.get(guardrails) ?? load(guardrails);
      return rules instanceof Promise ? rules.then((ready) => ready.check(call)) : rules.check(call);
    },
    close: async () => {
      if (newest) await closeRules(newest);
    },
  };
}

async function closeRules(rules: Promise<ReadyRules>): Promise<void> {
  await rules.then(
    (ready) => ready.close(),
    () => {},
  );
}
