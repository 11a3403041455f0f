/** What a lease says of its holder. */
export interface LeaseRecord {
  /** Empty or absent: nobody holds it. */
  readonly holder?: string;
  readonly durationS?: number;
  readonly acquiredAt?: Date;
  readonly renewedAt?: Date;
  /** How often the holder has changed. */
  readonly transitions?: number;
}

/** A lease as it was read. */
export interface StoredLease {
  /** Changes with each write. */
  readonly version: string;
  readonly record: LeaseRecord;
  /**
   * Replaces it, unless somebody has changed it since.
   *
   * @throws Refusal `conflict` where somebody has
   */
  replace(record: LeaseRecord, signal: AbortSignal): Promise<StoredLease>;
}

/** Keeps the one lease that candidates compete for. */
export interface LeaseStore {
  /** Undefined where there is none yet. */
  read(signal: AbortSignal): Promise<StoredLease | undefined>;
  /** @throws Refusal `conflict` where there is one by now */
  create(record: LeaseRecord, signal: AbortSignal): Promise<StoredLease>;
}
