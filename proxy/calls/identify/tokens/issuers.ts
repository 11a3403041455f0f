import type { JSONWebKeySet } from 'jose';
import type { Logger } from 'pino';
import { type IssuerKeys, makeIssuerKeys } from './issuer-keys.ts';

interface IssuerAddress {
  readonly issuer: string;
  readonly jwksUri: string;
}

/** The issuers' keys. They are kept across changes of the configuration. */
export interface Issuers {
  keysOf(issuer: IssuerAddress): IssuerKeys;
  /** Drops the keys of all other issuers. */
  retain(issuers: readonly IssuerAddress[]): void;
}

export interface IssuersOptions {
  readonly log: Pick<Logger, 'warn' | 'info'>;
  readonly onFetch?: (issuer: string, outcome: 'success' | 'failure') => void;
  readonly fetchKeySet: (url: string) => Promise<JSONWebKeySet>;
}

/** Makes the store of all issuers' keys in a process. */
export function makeIssuers({ log, onFetch = () => {}, fetchKeySet }: IssuersOptions): Issuers {
  const known = new Map<string, IssuerKeys>();
  const nameOf = ({ issuer, jwksUri }: IssuerAddress) => `${issuer} ${jwksUri}`;
  return {
    keysOf({ issuer, jwksUri }) {
      const name = nameOf({ issuer, jwksUri });
      const keys =
        known.get(name) ??
        makeIssuerKeys({
          issuer,
          log,
          fetchKeySet: () => fetchKeySet(jwksUri),
          onFetch: (outcome) => onFetch(issuer, outcome),
        });
      known.set(name, keys);
      return keys;
    },
    retain(issuers) {
      const names = new Set(issuers.map(nameOf));
      for (const name of known.keys()) if (!names.has(name)) known.delete(name);
    },
  };
}
