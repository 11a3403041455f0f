import { reviewable } from '../../guardrails/reviewed.ts';
import type { ReplayedCall } from './judge-call.ts';
import type { LeftOut } from './left-out.ts';
import type { View } from './view.ts';

/** Calls that a rule with `Review` is for. */
interface Counts {
  /** Their answers could be held for people. */
  held: number;
  /** Theirs could not, so the rule would block. */
  refused: number;
}

/** Counts the calls whose answers new rules would hold, if they found something in the texts. */
export class Holding {
  readonly #rules = new Map<string, Counts>();

  add(rule: string, { snapshot }: View, { operation }: ReplayedCall): void {
    const counts = this.#rules.get(rule) ?? { held: 0, refused: 0 };
    this.#rules.set(rule, counts);
    if (snapshot.storesContents && reviewable.has(operation)) counts.held += 1;
    else counts.refused += 1;
  }

  leftOut(): LeftOut[] {
    return [...this.#rules].flatMap(([name, { held, refused }]) => {
      const rule = `The guardrail ${JSON.stringify(name)}, where it finds something, would`;
      return [
        { what: `${rule} hold the answer until a person releases it`, calls: held },
        { what: `${rule} refuse the call, since no such answer can be held`, calls: refused },
      ].filter(({ calls }) => calls > 0);
    });
  }
}
