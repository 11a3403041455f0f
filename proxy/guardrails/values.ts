import { LRUCache } from 'lru-cache';
import type { Envelope } from '../../database/envelope.ts';
import { makePlaceholders, type Placeholders } from './detect/placeholders.ts';

/** Whose values placeholders stand for. */
export interface Holder {
  readonly organizationId: string;
  readonly envelope: Pick<Envelope, 'digest'>;
  readonly user: string | undefined;
  readonly userId: string;
  readonly sessionId: string;
}

const maxHolders = 10_000;
/** How long the values of a holder are remembered after their last use. */
const lifetimeMs = 60 * 60 * 1_000;
/** A holder with more values begins anew. */
const maxReplacements = 10_000;

interface Remembered {
  readonly placeholders: Placeholders;
  replacements: number;
}

/**
 * Remembers which values placeholders stand for, so that an answer of a later call can get them back. The names of
 * placeholders follow from the user and the value, so all proxies of an organization agree on them; the values are in
 * the memory of this process alone.
 */
export class Values {
  readonly #remembered = new LRUCache<string, Remembered>({ max: maxHolders, ttl: lifetimeMs, updateAgeOnGet: true });

  /** The placeholders whose values a caller gets back. */
  restored(holder: Holder): Placeholders {
    // Callers without a user have only their session in common.
    const scope = holder.user === undefined ? `session ${holder.sessionId}` : `user ${holder.userId}`;
    const known = this.#remembered.get(scope);
    if (known && known.replacements < maxReplacements) {
      known.replacements += 1;
      return known.placeholders;
    }
    const made = { placeholders: makePlaceholders({ key: keyOf(holder, 'restored') }), replacements: 0 };
    this.#remembered.set(scope, made);
    return made.placeholders;
  }

  /** Whether a caller has any value to get back. */
  hasRestored(holder: Holder): boolean {
    return this.restored(holder).maxLength > 0;
  }
}

/** Makes placeholders whose values nobody gets back. @param side `input` and `output` have different names */
export function namedPlaceholders(holder: Holder, side: 'input' | 'output'): Placeholders {
  return makePlaceholders({ key: keyOf(holder, side) });
}

function keyOf({ organizationId, envelope, userId }: Holder, purpose: string): Buffer {
  return envelope.digest(organizationId, `guardrails ${purpose}`, userId);
}
