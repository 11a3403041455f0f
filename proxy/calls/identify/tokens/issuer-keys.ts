import type { JSONWebKeySet } from 'jose';
import type { Logger } from 'pino';
import { ProxyError } from '../../../error.ts';
import { candidatesOf, type KeyHint, type KeySet, makeKeySet, type TokenKey } from './key-set.ts';

/** The public keys of an issuer, as it publishes them. */
export interface IssuerKeys {
  /**
   * The keys that a token may be signed with. Asks the issuer where they are old, or where it may have a new one.
   *
   * @throws {ProxyError} `issuer_unavailable` where none is known and the issuer cannot be asked
   */
  candidates(hint: KeyHint): Promise<readonly TokenKey[]>;
  /**
   * Asks the issuer for keys that are not known yet, unless it was asked just now.
   *
   * @returns whether there are others
   * @throws {ProxyError} `issuer_unavailable`
   */
  renew(): Promise<boolean>;
  /** Grows with each change of the keys. */
  version(): number;
  /** Whether what was verified at this version still is. Sees to it that old keys are asked for again. */
  isCurrent(version: number): boolean;
}

export interface IssuerKeysOptions {
  readonly issuer: string;
  readonly log: Pick<Logger, 'warn' | 'info'>;
  /** Asks for the key set. */
  readonly fetchKeySet: () => Promise<JSONWebKeySet>;
  readonly onFetch: (outcome: 'success' | 'failure') => void;
}

/** After how long keys are asked for again: so long a key that the issuer has withdrawn may still be accepted. */
const freshMs = 600_000;

/** For how long keys outlive an issuer that cannot be asked. */
export const trustedMs = 24 * 3_600_000;

/** How soon an issuer is asked again: after an answer, since anybody can make up key ids, and after none. */
const restMs = { success: 30_000, failure: 2_000 };

/** Keeps the keys of one issuer. */
export function makeIssuerKeys({ issuer, log, fetchKeySet, onFetch }: IssuerKeysOptions): IssuerKeys {
  let known: KeySet = { keys: [], unusable: [] };
  let text = '';
  let version = 0;
  let fetchedAtMs = Number.NEGATIVE_INFINITY;
  let askedAtMs = Number.NEGATIVE_INFINITY;
  let failure: unknown;
  let asking: Promise<void> | undefined;

  const take = (keySet: JSONWebKeySet) => {
    const next = JSON.stringify(keySet.keys);
    fetchedAtMs = Date.now();
    if (failure !== undefined) log.info({ issuer }, 'the issuer’s keys can be had again');
    failure = undefined;
    if (next === text) return;
    text = next;
    version += 1;
    known = makeKeySet(keySet);
    const { unusable } = known;
    if (unusable.length > 0) log.warn({ issuer, keys: unusable }, 'keys of the issuer cannot be used');
  };
  const ask = () => {
    asking ??= fetchKeySet()
      .then(
        (keySet) => {
          take(keySet);
          onFetch('success');
        },
        (error: unknown) => {
          if (failure === undefined) log.warn({ issuer, err: error }, 'the issuer’s keys cannot be had');
          failure = error;
          onFetch('failure');
        },
      )
      .finally(() => {
        askedAtMs = Date.now();
        asking = undefined;
      });
    return asking;
  };
  const mayAsk = () => Date.now() - askedAtMs >= (failure === undefined ? restMs.success : restMs.failure);
  const isOld = () => Date.now() - fetchedAtMs >= freshMs;
  const isTrusted = () => Date.now() - fetchedAtMs < trustedMs;
  const renew = async () => {
    const before = version;
    if (asking || mayAsk()) await ask();
    if (failure !== undefined) throw new ProxyError('issuer_unavailable', { cause: failure });
    return version !== before;
  };
  const candidatesNow = (hint: KeyHint) => (isTrusted() ? candidatesOf(known, hint) : []);

  return {
    async candidates(hint) {
      const found = candidatesNow(hint);
      if (found.length > 0 && isOld() && (asking || mayAsk())) {
        // Who cannot be asked is not waited for again and again.
        if (failure === undefined) await ask();
        else void ask();
        return candidatesNow(hint);
      }
      if (found.length > 0) return found;
      await renew();
      return candidatesNow(hint);
    },
    renew,
    version: () => version,
    isCurrent(than) {
      if (isOld() && !asking && mayAsk()) void ask();
      return than === version && isTrusted();
    },
  };
}
