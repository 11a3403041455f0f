import type { JSONWebKeySet } from 'jose';

/** What an organization's tokens are signed with. */
export interface SigningMaterial {
  readonly organizationId: string;
  /** Private keys, the one in use first. */
  readonly keys: JSONWebKeySet;
  /** A duration. */
  readonly tokenLifetime: string;
}

/** The keys of a signing Secret. */
export function parseKeys(text: string): JSONWebKeySet {
  return JSON.parse(text) as JSONWebKeySet;
}
