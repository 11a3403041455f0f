/** The series that the reader of a dashboard has chosen, by labels that a proxy gives all its metrics. */
export const chosen = 'organization=~"$organization",namespace=~"$namespace",workload=~"$workload"';

/**
 * How calls fail through no fault of their caller: the provider's key is refused, the provider limits or fails, or the
 * answer was cut. What a provider has against a call itself, such as 400, is the caller's to mend.
 */
export const failed = 'error_type=~"401|403|429|5..|upstream_.+|interrupted|failed"';

/** Refusals that are the platform's fault, and no rule's of the organization. */
export const ownFaults =
  'code=~"issuer_unavailable|overloaded|guardrail_unavailable|quota_unavailable|spool_full|spool_unwritable|shutting_down|store_unavailable|internal_error"';

/** The change a second of counters, summed by labels. */
export function rateBy(by: string, metric: string, matchers = chosen): string {
  return `sum by (${by}) (rate(${metric}{${matchers}}[$__rate_interval]))`;
}

/** The change of counters over the chosen time, summed by labels; without labels, of all of them. */
export function totalBy(by: string, metric: string, matchers = chosen): string {
  return `sum${by && ` by (${by})`} (increase(${metric}{${matchers}}[$__range]))`;
}

/** A quantile of a histogram, over the time between two points of a panel. */
export function quantile(q: number, metric: string, by = '', matchers = chosen): string {
  return `histogram_quantile(${q}, ${rateBy(by ? `le, ${by}` : 'le', `${metric}_bucket`, matchers)})`;
}

/** The mean of a histogram, over the time between two points of a panel. */
export function mean(metric: string, by: string, matchers = chosen): string {
  return `${rateBy(by, `${metric}_sum`, matchers)} / ${rateBy(by, `${metric}_count`, matchers)}`;
}
