import { createHash, randomBytes } from 'node:crypto';

/** What kind of key somebody wants. */
export interface KeyFields {
  readonly type: 'secret' | 'public';
  readonly roles?: readonly string[] | undefined;
  readonly origins?: readonly string[] | undefined;
  readonly visitorRequestsPerHour?: number | undefined;
}

/** How an origin of web pages may be stated: `https://shop.example.com`, `https://*.example.com`, or `*`. */
export const originPattern =
  '^(\\*|[a-z][a-z0-9+.-]*://((\\*\\.)?[a-z0-9]([a-z0-9._-]*[a-z0-9])?|\\[[0-9a-f:.]+\\])(:[0-9]{1,5})?)$';

/** Which field is not for the type of the key, and why. Undefined where all fit. */
export function whyUnfitting({
  type,
  roles,
  origins,
  visitorRequestsPerHour,
}: KeyFields): { readonly param: string; readonly message: string } | undefined {
  if (type === 'public') {
    if (!origins || origins.length === 0) {
      return { param: 'allowed_origins', message: 'allowed_origins is required of a public key' };
    }
    return roles ? { param: 'roles', message: 'roles are for secret keys: a public key has none' } : undefined;
  }
  if (origins) return { param: 'allowed_origins', message: 'allowed_origins are for public keys' };
  if (visitorRequestsPerHour === undefined) return undefined;
  return { param: 'visitor_requests_per_hour', message: 'visitor_requests_per_hour is for public keys' };
}

/** Makes a key: 256 bits at random, so that a digest of it tells nothing. */
export function makeKeyText(type: KeyFields['type']): string {
  return `${type === 'public' ? 'pk' : 'sk'}_${randomBytes(32).toString('base64url')}`;
}

/** What is stored of a key. */
export function digestOfKey(text: string): { readonly digest: Buffer; readonly hint: string } {
  return { digest: createHash('sha256').update(text).digest(), hint: `${text.slice(0, 7)}…${text.slice(-4)}` };
}
