import type { RoutedKey } from '../../snapshot/snapshot.ts';
import type { Failure, FailureKind } from './failure.ts';

/**
 * What a call does beside its answer, if it is made twice.
 *
 * - `none`: it is billed twice, and no more.
 * - `stores`: the provider keeps a second answer, which nobody asks for.
 * - `acts`: something happens twice: work in the background, a turn of a conversation, a call of somebody's server.
 */
export type Effects = 'none' | 'stores' | 'acts';

/** The failures after which a call with these effects may be sent again. docs/providers.md has this table. */
const repeatable: Readonly<Record<Effects, ReadonlySet<FailureKind>>> = {
  none: new Set(['unreachable', 'key_refused', 'rate_limited', 'provider_error', 'unknown', 'not_offered']),
  stores: new Set(['unreachable', 'key_refused', 'rate_limited', 'provider_error', 'not_offered']),
  acts: new Set(['unreachable', 'key_refused', 'rate_limited', 'not_offered']),
};

export interface FallbackOptions {
  /** All keys that may serve the call, in order. Called once, at the first failure. */
  readonly keys: () => readonly RoutedKey[];
  readonly effects: Effects;
  /** Hears of every failure. */
  readonly onFailure: (key: RoutedKey, failure: Failure) => void;
  /** Whether the client sent an idempotency key: the provider then makes the call once for one key. */
  readonly isIdempotent: boolean;
  /** The most requests of the call. */
  readonly attempts: number;
  /** How long the call has been under way, and how old it may be when another attempt begins. */
  readonly ageMs: () => number;
  readonly withinMs: number;
  /** From 0 to below 1. */
  readonly random: () => number;
}

/** The next attempt of a call. */
export interface NextKey {
  readonly key: RoutedKey;
  /** The pause before it. */
  readonly delayMs: number;
}

/** The pause before a provider is asked again with the same key: doubled each time. */
const pauseMs = { first: 250, last: 4_000 };

/** Chooses the further attempts of one call. */
export class Fallback {
  readonly #options: FallbackOptions;
  readonly #droppedKeys = new Set<string>();
  readonly #droppedProviders = new Set<string>();
  #keys: readonly RoutedKey[] | undefined;
  #attempts = 1;
  /** How often the present key was asked again. */
  #repeats = 0;
  /** Whether the last attempt that was found may be made with another key instead. */
  #mayChangeKey = false;

  constructor(options: FallbackOptions) {
    this.#options = options;
  }

  /** The attempt after the one with this key, which failed. Undefined where the call ends with that failure. */
  next(key: RoutedKey, failure: Failure): NextKey | undefined {
    const { effects, attempts, ageMs, withinMs, onFailure } = this.#options;
    onFailure(key, failure);
    this.#mayChangeKey = repeatable[effects].has(failure.kind);
    const found = this.#mayChangeKey ? this.#find(key, failure) : this.#onlyIdempotent(key, failure);
    if (!found || this.#attempts >= attempts || ageMs() + found.delayMs > withinMs) return undefined;
    this.#attempts += 1;
    return found;
  }

  /**
   * The attempt in place of the one that `next` found, which cannot be made. Nobody has failed by that.
   *
   * @param whole whether no other key of the provider would do, either
   */
  instead({ id, provider }: RoutedKey, whole: boolean): NextKey | undefined {
    const { ageMs, withinMs } = this.#options;
    if (whole) this.#droppedProviders.add(provider.name);
    else this.#droppedKeys.add(id);
    return this.#mayChangeKey && ageMs() <= withinMs ? this.#other(id) : undefined;
  }

  #find(key: RoutedKey, failure: Failure): NextKey | undefined {
    const isKeys = failure.kind === 'key_refused' || failure.kind === 'rate_limited';
    const again = isKeys || failure.kind === 'not_offered' ? undefined : this.#again(key);
    if (again) return again;
    if (isKeys) this.#droppedKeys.add(key.id);
    else this.#droppedProviders.add(key.provider.name);
    return this.#other(key.id);
  }

  #other(keyId: string): NextKey | undefined {
    this.#repeats = 0;
    this.#keys ??= this.#options.keys();
    const next = this.#keys.find(
      ({ id, provider }) => id !== keyId && !this.#droppedKeys.has(id) && !this.#droppedProviders.has(provider.name),
    );
    return next && { key: next, delayMs: 0 };
  }

  /** The same key once more, where its provider states so. */
  #again(key: RoutedKey): NextKey | undefined {
    if (this.#repeats >= key.provider.repeats) return undefined;
    const delayMs = Math.min(pauseMs.first * 2 ** this.#repeats, pauseMs.last) * (0.5 + this.#options.random() / 2);
    this.#repeats += 1;
    return { key, delayMs };
  }

  /** A provider knows an idempotency key in one account only, so nothing but the same key is safe. */
  #onlyIdempotent(key: RoutedKey, { kind }: Failure): NextKey | undefined {
    if (!this.#options.isIdempotent || (kind !== 'unknown' && kind !== 'provider_error')) return undefined;
    return this.#again(key);
  }
}
