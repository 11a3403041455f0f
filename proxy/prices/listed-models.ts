/** A price in dollars: per million tokens, or per hour of audio. */
export type ListedRate = number | { readonly base: number; readonly tiers: readonly ListedTier[] };

/** The price of a call with more input tokens than `start`. It applies to the whole call. */
export interface ListedTier {
  readonly start: number;
  readonly price: number;
}

/** The prices of a model by unit, as `@pydantic/genai-prices` names them. */
export type ListedRates = Readonly<Record<string, ListedRate>>;

/** Models with the same prices. */
export interface ListedModels {
  /** Exact ids. */
  readonly models: readonly string[];
  /** In the order of their dates. */
  readonly prices: readonly {
    /** The first day (UTC) of these prices. Absent: always. */
    readonly from?: string;
    readonly rates: ListedRates;
  }[];
}
