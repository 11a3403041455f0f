/** A source of changes, as metrics and liveness see it. */
export interface Reflection {
  readonly name: string;
  /** When the server last sent anything, by `Date.now()`. */
  heardAtMs(): number;
  /** When it last received anything or at least tried to. Far in the past only where it is stuck. */
  activeAtMs(): number;
}

/** Callbacks for the metrics of reflections. */
export interface ReflectionObserver {
  listed(name: string): void;
  /** @param outcome `ended` normally by the server, `expired` (410), or `failed` */
  watched(name: string, outcome: 'ended' | 'expired' | 'failed'): void;
}
