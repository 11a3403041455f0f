/** A recording rule: a query whose result Prometheus keeps under a name of its own. */
export interface RecordingRule {
  /** `level:metric:operation`, as Prometheus advises. */
  readonly record: string;
  readonly expr: string;
}

/**
 * An alert. `measure` is what is looked at, and `fires` the condition on it, so that a test can tell a query that finds
 * nothing from one that finds nothing wrong.
 */
export interface Alert {
  readonly measure: string;
  /** Comes behind `measure`. Absent: any result of it fires. */
  readonly fires?: string;
  /** How long it must hold. Absent: not at all. */
  readonly for?: string;
  /** critical: call somebody now. warning: within a day. info: when there is time. */
  readonly severity: 'critical' | 'warning' | 'info';
  /** One line, with `{{ $labels.… }}`. */
  readonly summary: string;
  /** What that means, and the first step. */
  readonly description: string;
}
