import type { JSONWebKeySet } from 'jose';
import type { Logger } from 'pino';
import { ProxyError } from '../../../error.ts';
import { candidatesOf, type KeyHint, type KeySet, makeKeySet, type TokenKey } from './key-set.ts';

/** The public keys that an issuer publishes. */
export interface IssuerKeys {
  /**
   * The keys that may have signed a token. Fetches them where the known ones are old, or where the issuer may have a
   * new one.
   *
   * @throws {ProxyError} `issuer_unavailable` where none is known and the issuer cannot be asked
   */
  candidates(hint: KeyHint): Promise<readonly TokenKey[]>;
  /**
   * Fetches the keys again, unless that happened just now.
   *
   * @returns whether the keys have changed
   * @throws {ProxyError} `issuer_unavailable`
   */
  renew(): Promise<boolean>;
  /** Grows with each change of the keys. */
  version(): number;
  /** Whether a token that was verified at this version is still valid. It also refreshes old keys. */
  isCurrent(version: number): boolean;
}

export interface IssuerKeysOptions {
  readonly issuer: string;
  readonly log: Pick<Logger, 'warn' | 'info'>;
  /** Asks for the key set. */
  readonly fetchKeySet: () => Promise<JSONWebKeySet>;
  readonly onFetch: (outcome: 'success' | 'failure') => void;
}

/** After how long keys are fetched again. A withdrawn key may be accepted for this long. */
const freshMs = 600_000;

/** How long keys stay valid while the issuer cannot be reached. */
export const trustedMs = 24 * 3_600_000;

/** The minimum pause between two fetches, after a success and after a failure. Anybody can make up key ids. */
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
    const read = next === text ? known : makeKeySet(keySet);
    fetchedAtMs = Date.now();
    if (failure !== undefined) log.info({ issuer }, 'the issuer’s keys can be had again');
    failure = undefined;
    if (next === text) return;
    text = next;
    version += 1;
    known = read;
    const { unusable } = known;
    if (unusable.length > 0) log.warn({ issuer, keys: unusable }, 'keys of the issuer cannot be used');
  };
  const ask = () => {
    asking ??= fetchKeySet()
      .then((keySet) => {
        take(keySet);
        onFetch('success');
      })
      .catch((error: unknown) => {
        if (failure === undefined) log.warn({ issuer, err: error }, 'the issuer’s keys cannot be had');
        failure = error;
        onFetch('failure');
      })
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
        // While the issuer is unreachable, fetch in the background, so that not every call waits.
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
