/** What the cache would do for a call now. */
export type CacheLook =
  | { readonly result: 'hit'; readonly ageMs: number }
  /** The provider is asked, and its answer may be kept. `unknown`: perhaps, since nobody could look. */
  | { readonly result: 'miss' | 'unknown' }
  /** The call is not for the cache. */
  | ({ readonly result: 'bypass' } & Bypass);

/** Why a call is not for the cache. */
export interface Bypass {
  readonly because: string;
  /** The field of the Organization that decides. Undefined: the call itself does. */
  readonly field: string | undefined;
}
