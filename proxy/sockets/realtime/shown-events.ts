import type { ProxyError } from '../../error.ts';
import type { OutputGuard } from '../../guardrails/output/output-guard.ts';
import { FrameGuard } from '../frame-guard.ts';
import type { Link } from '../link.ts';

/** What the client is shown of the provider's events: what the rules about answers let pass. */
export class ShownEvents {
  readonly #client: Pick<Link, 'send'>;
  /** Undefined: no rule is about answers. */
  #guard: FrameGuard | undefined;

  constructor(client: Pick<Link, 'send'>) {
    this.#client = client;
  }

  /** From now on these rules judge. What the former ones held back is shown first. */
  useGuard(guard: FrameGuard | undefined): void {
    for (const message of this.#guard?.end() ?? []) this.#client.send(message);
    this.#guard = guard;
  }

  /** The rules of a response judge it, so that its record has what they found. */
  useGuardOf(output: OutputGuard | undefined): void {
    if (output) this.useGuard(new FrameGuard(output));
  }

  /**
   * Shows an event, when the rules let it pass.
   *
   * @param openNext makes the rules for what follows. Undefined: they stay the same
   * @returns why nothing more passes; undefined: it does
   */
  async show(text: string, openNext?: () => Promise<FrameGuard | undefined>): Promise<ProxyError | undefined> {
    if (!this.#guard) {
      this.#client.send(text);
      return undefined;
    }
    for (const message of this.#guard.push(text)) this.#client.send(message);
    const problem = this.#guard.problem();
    if (problem) this.#guard = undefined;
    else if (openNext) this.useGuard(await openNext());
    return problem;
  }
}
