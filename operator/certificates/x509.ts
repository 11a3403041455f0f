type X509 = typeof import('@peculiar/x509');

let loading: Promise<X509> | undefined;

/**
 * Loads `@peculiar/x509` when a certificate is first issued. Only the leader does that, a few times a year.
 *
 * The library refuses to load without the Reflect metadata proposal, which it uses only to register its own classes.
 */
export function loadX509(): Promise<X509> {
  loading ??= (async () => {
    if (!('getMetadata' in Reflect)) Object.assign(Reflect, makeMetadataReflection());
    return import('@peculiar/x509');
  })();
  return loading;
}

/** The functions of that proposal that the library calls. */
function makeMetadataReflection() {
  const metadata = new WeakMap<object, Map<unknown, unknown>>();
  const read = (key: unknown, target: object) => metadata.get(target)?.get(key);
  return {
    getMetadata: read,
    getOwnMetadata: read,
    defineMetadata(key: unknown, value: unknown, target: object) {
      metadata.set(target, (metadata.get(target) ?? new Map()).set(key, value));
    },
  };
}
