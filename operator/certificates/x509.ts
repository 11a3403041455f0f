type X509 = typeof import('@peculiar/x509');

let loading: Promise<X509> | undefined;

/**
 * `@peculiar/x509`, loaded when a certificate is first made: that is the leader's work alone, a few times a year.
 *
 * It refuses to load without the Reflect metadata proposal, which it uses for nothing but registering its own classes.
 */
export function loadX509(): Promise<X509> {
  loading ??= (async () => {
    if (!('getMetadata' in Reflect)) Object.assign(Reflect, makeMetadataReflection());
    return import('@peculiar/x509');
  })();
  return loading;
}

/** The functions of the proposal that the library calls. */
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
