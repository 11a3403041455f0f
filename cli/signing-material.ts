import type { JSONWebKeySet } from 'jose';

/** The keys that sign an organization's tokens. */
export interface SigningMaterial {
  readonly organizationId: string;
  /** Private keys. The current one is first. */
  readonly keys: JSONWebKeySet;
  /** A duration. */
  readonly tokenLifetime: string;
}

/** Parses the keys of a signing Secret. */
export function parseKeys(text: string): JSONWebKeySet {
  return JSON.parse(text) as JSONWebKeySet;
}
