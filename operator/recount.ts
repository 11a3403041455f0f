/**
 * Makes what asks for a recount after changes. The first one follows soon; of many changes in a row, which would cost an
 * Organization's whole reconciliation each time, only one in a period does.
 *
 * @param ask called with the delay in milliseconds
 * @param now monotonic, so that no recount is left out for an hour where the clock goes back by one
 */
export function makeRecount(
  { delay, period }: { readonly delay: number; readonly period: number },
  ask: (name: string, delayMs: number) => void,
  now: () => number = () => performance.now(),
) {
  /** When each was last to be counted, or will be. */
  const atMs = new Map<string, number>();
  return {
    add(name: string): void {
      const nowMs = now();
      const last = atMs.get(name) ?? Number.NEGATIVE_INFINITY;
      if (last > nowMs) return;
      const next = Math.max(nowMs + delay, last + period);
      atMs.set(name, next);
      ask(name, next - nowMs);
    },
  };
}
