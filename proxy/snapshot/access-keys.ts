import type { OrganizationSpec } from '../../crds/resources.generated.ts';
import type { ConfigAccessKey } from '../../database/config.ts';
import { type AllowsOrigin, makeOriginRule } from './origin-rule.ts';

/** A key of the organization's own API: `sk_…` for servers, `pk_…` for the pages of its visitors. */
export interface AccessKey {
  /** Of a key that YAML states, its name. */
  readonly id: string;
  readonly name: string;
  readonly isPublic: boolean;
  /** Empty: the organization's default roles. */
  readonly roles: readonly string[];
  /** The web pages that may use a public key. */
  readonly allowsOrigin: AllowsOrigin;
  /** Whether requests without an origin are accepted, too: any page may use it. */
  readonly allowsEveryOrigin: boolean;
  /** Undefined: no limit of its own. */
  readonly requestsPerHour: number | undefined;
  /** Of each visitor of a public key. */
  readonly visitorRequestsPerHour: number | undefined;
}

/** A key as one of its digests has it. */
export interface ValidAccessKey {
  readonly key: AccessKey;
  /** Milliseconds since 1970. */
  readonly validUntilMs: number;
}

export interface AccessKeys {
  /** By the SHA-256 of the key, in hexadecimal. */
  readonly byDigest: ReadonlyMap<string, ValidAccessKey>;
  readonly all: readonly AccessKey[];
  /** Which web pages may use any public key. Undefined: there is none. */
  readonly allowsOrigin: AllowsOrigin | undefined;
}

/** The limits of public keys that state none. */
export const publicDefaults = { requestsPerHour: 1_000, visitorRequestsPerHour: 60 };

type Stated = NonNullable<OrganizationSpec['apiKeys']>[number];

/** Opens the keys that YAML states, and those that the API made. */
export function openAccessKeys(stated: readonly Stated[] = [], made: Iterable<ConfigAccessKey>): AccessKeys {
  const byDigest = new Map<string, ValidAccessKey>();
  const all: AccessKey[] = [];
  const origins: string[] = [];
  const add = (key: AccessKey, digests: readonly (readonly [digest: string, validUntilMs: number])[]) => {
    all.push(key);
    for (const [digest, validUntilMs] of digests) byDigest.set(digest, { key, validUntilMs });
  };
  for (const row of made) {
    const ends = row.expires_at_ms ?? Number.POSITIVE_INFINITY;
    if (row.origins) origins.push(...row.origins);
    const former =
      row.former_sha256 === null || row.former_until_ms === null
        ? []
        : [[row.former_sha256, Math.min(ends, row.former_until_ms)] as const];
    add(
      makeKey({
        ...{ id: row.key_id, name: row.name, isPublic: row.type === 'public', roles: row.roles },
        ...{ origins: row.origins ?? [], requestsPerHour: row.requests_per_hour ?? undefined },
        visitorRequestsPerHour: row.visitor_requests_per_hour ?? undefined,
      }),
      [[row.sha256, ends], ...former],
    );
  }
  for (const { name, type, sha256, roles = [], allowedOrigins = [], expiresAt, ...limits } of stated) {
    const ends = expiresAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(expiresAt);
    origins.push(...allowedOrigins);
    add(
      makeKey({ id: name, name, isPublic: type === 'Public', roles, origins: allowedOrigins, ...limits }),
      sha256.map((digest) => [digest, ends] as const),
    );
  }
  return { byDigest, all, allowsOrigin: origins.length > 0 ? makeOriginRule(origins) : undefined };
}

interface KeyFacts {
  readonly id: string;
  readonly name: string;
  readonly isPublic: boolean;
  readonly roles: readonly string[];
  readonly origins: readonly string[];
  readonly requestsPerHour?: number | undefined;
  readonly visitorRequestsPerHour?: number | undefined;
}

function makeKey({ origins, ...key }: KeyFacts): AccessKey {
  const { isPublic } = key;
  return {
    ...key,
    // A role that no route asks for: a public key may only do what a route lets visitors do.
    roles: isPublic ? ['visitor'] : key.roles,
    allowsOrigin: makeOriginRule(origins),
    allowsEveryOrigin: origins.includes('*'),
    requestsPerHour: key.requestsPerHour ?? (isPublic ? publicDefaults.requestsPerHour : undefined),
    visitorRequestsPerHour: isPublic
      ? (key.visitorRequestsPerHour ?? publicDefaults.visitorRequestsPerHour)
      : undefined,
  };
}
