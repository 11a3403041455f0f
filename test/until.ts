/** The pause between two checks: a share of what has been waited so far, within these limits. */
const pauseMs = { shortest: 5, longest: 50, share: 0.1 };
/**
 * A check may be a query, or a run of kubectl. The pause is as long as the check took, up to this, so that checks take at
 * most half of a processor from what they wait for.
 */
const longestCheckMs = 500;

/**
 * Waits until `condition` returns a value.
 *
 * @throws after `timeoutMs`, with `what` in the message
 */
export async function until<Value>(
  condition: () => Value | undefined | false | Promise<Value | undefined | false>,
  what = String(condition),
  timeoutMs = 60_000,
): Promise<Value> {
  const startedAt = performance.now();
  for (;;) {
    const checkedAt = performance.now();
    const value = await condition();
    if (value !== undefined && value !== false) return value;
    const now = performance.now();
    const waitedMs = now - startedAt;
    if (waitedMs > timeoutMs) throw new Error(`Waited ${timeoutMs} ms in vain for ${what}`);
    const usualMs = Math.min(Math.max(waitedMs * pauseMs.share, pauseMs.shortest), pauseMs.longest);
    const nextMs = Math.max(usualMs, Math.min(now - checkedAt, longestCheckMs));
    await new Promise((resolve) => setTimeout(resolve, nextMs));
  }
}
