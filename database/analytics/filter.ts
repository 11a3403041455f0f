/** Which calls to count. */
export interface UsageFilter {
  readonly organizationId: string;
  /** First and last day of the period, `YYYY-MM-DD` in UTC. */
  readonly firstDay: string;
  readonly lastDay: string;
  /** Null: both kinds. */
  readonly kind: 'call' | 'analysis' | null;
  readonly userId: string | null;
  readonly personaId: string | null;
  /** The model that answered or the one that was asked for. */
  readonly model: string | null;
  /** Absent: calls of whatever attributes. */
  readonly attributes?: CallAttributes | undefined;
}

/** What a call says of its client and of the person behind it. Null: whatever it says. One of them is stated. */
export interface CallAttributes {
  readonly clientName: string | null;
  readonly clientVersion: string | null;
  readonly safetyIdentifier: string | null;
  readonly endUser: string | null;
}
