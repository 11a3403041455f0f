import type { Exchange } from '../providers/exchange.ts';

/** What the cache does for one call. */
export interface CacheUse {
  readonly status: 'hit' | 'miss' | 'bypass';
  /** Headers of the answer. */
  readonly headers: Readonly<Record<string, string>>;
  /** Whether the end of the call needs its answer (`ended`). */
  readonly needsOutput: boolean;
  /** The exchange that the call is made with. */
  over(exchange: Exchange): Exchange;
  /** The call has been settled. @param output the answer in the form of the contents store */
  ended(isCompleted: boolean, output: string | Buffer | undefined): void;
  /** The answer is not to be kept, or there is none. */
  giveUp(): void;
}

/** The use of a call that is not for the cache. */
export const bypassed: CacheUse = {
  status: 'bypass',
  headers: { 'x-cache': 'bypass' },
  needsOutput: false,
  over: (exchange) => exchange,
  ended: () => {},
  giveUp: () => {},
};
