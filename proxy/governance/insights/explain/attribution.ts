/** What each feature adds to an output. Together they are the difference between all features and none. */
export interface Attribution {
  readonly contributions: readonly number[];
  /** The half width of the 95 % confidence interval of each. 0: it is exact. */
  readonly errors: readonly number[];
  /** The output without any feature. */
  readonly base: number;
  /** The output with all features. */
  readonly output: number;
  /** How many coalitions were looked at. */
  readonly evaluations: number;
}

/** Some of the features: 1 where a feature is in it. */
export type Coalition = Uint8Array;

/** The outputs for coalitions, in their order. */
export type ValuesOf = (coalitions: readonly Coalition[]) => Promise<readonly number[]>;
