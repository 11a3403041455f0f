/** Decides by a request's `Origin` whether a web page from there may read the answer. */
export type AllowsOrigin = (origin: string) => boolean;

/** A rule from origins: exact ones, `https://*.example.com` for all below a domain, and `*` for every one. */
export function makeOriginRule(origins: readonly string[]): AllowsOrigin {
  const exact = new Set(origins);
  if (exact.has('*')) return () => true;
  const below = origins
    .filter((origin) => origin.includes('://*.'))
    .map((origin) => origin.split('*'))
    .map(([scheme = '', domain = '']) => ({ scheme, domain }));
  return (origin) =>
    exact.has(origin) ||
    below.some(({ scheme, domain }) => {
      const isLong = origin.length > scheme.length + domain.length;
      if (!isLong || !origin.startsWith(scheme) || !origin.endsWith(domain)) return false;
      return /^[\w-]+(\.[\w-]+)*$/.test(origin.slice(scheme.length, -domain.length));
    });
}
