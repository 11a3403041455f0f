/** Decides from a request's `Origin` header whether a web page of that origin may read the answer. */
export type AllowsOrigin = (origin: string) => boolean;

/** Makes a rule from origins: exact ones, `https://*.example.com` for all subdomains, and `*` for every origin. */
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
